"""Exactly once beside at least once, in one run: catching up, the time from commit to receipt by a reader of committed
records, and how soon a killed relay's segments deliver again; by the number of segments."""

import argparse
import os
import time

from appending import append_paced
from catchup import relay as catch_up
from report import percentile, spread, table
from servers import Broker, Postgres, Receipts, Relay, wait_for_quiet

WAYS = ["at_least_once", "exactly_once"]


def settings(delivery, segments):
    return {
        "GODWIT_CONSUMERS_ALL_DELIVERY": delivery, "GODWIT_WORKER_TOTAL_SEGMENTS": str(segments),
        "GODWIT_KAFKA_TOPICS_CREATE": "true",
    }


def forget(postgres):
    postgres.sql("TRUNCATE consumer_segments, consumer_workers, godwit.transactional_segments")


def latency(postgres, delivery, segments, rate, seconds):
    """Milliseconds from the commit's answer to the line of kcat, which reads committed records only."""
    forget(postgres)
    broker = Broker()
    run = Relay(postgres, broker, single=True, notify="auto", settings=settings(delivery, segments))
    receipts = Receipts(broker, "Identity")
    time.sleep(4)
    wait_for_quiet()
    appends = append_paced(postgres, "never", rate, seconds=seconds)
    time.sleep(1)
    run.is_alive()
    run.stop()
    receipts.stop()
    broker.stop()
    delays = [(receipts.at[append.key] - append.at) * 1000 for append in appends if append.key in receipts.at]
    if len(delays) < len(appends):
        print(f"    {len(appends) - len(delays)} records did not come in time")
    return delays


def killed(postgres, delivery, segments):
    """Seconds from the kill of one of two relays until everything that is appended then is there."""
    forget(postgres)
    broker = Broker()
    first = Relay(postgres, broker, single=True, notify="auto", settings=settings(delivery, segments))
    receipts = Receipts(broker, "Identity")
    time.sleep(3)
    second = Relay(postgres, broker, single=True, notify="auto", settings=settings(delivery, segments))
    time.sleep(15)  # both have their shares
    first.process.kill()
    since = time.monotonic()
    keys = [row[0] for row in postgres.sql("""
        INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
        SELECT 'Identity', 'Thing', 'after-' || gen_random_uuid(), 1, gen_random_uuid(), 'ThingHappened', '{}'
        FROM generate_series(1, 100) RETURNING aggregate_id""")]
    while not all(key in receipts.at for key in keys):
        if time.monotonic() - since > 60:
            break
        time.sleep(0.02)
    took = time.monotonic() - since
    second.stop()
    receipts.stop()
    broker.stop()
    return took


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=200_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=int, default=8)
    arguments.add_argument("--segments", type=int, nargs="+", default=[1, 4, 16])
    given = arguments.parse_args()
    postgres = Postgres()
    postgres.migrate()
    postgres.fill(given.events)
    rates, delays, takeovers = {}, {}, {}
    for number in range(given.rounds):
        for segments in given.segments:
            for delivery in WAYS:
                forget(postgres)
                figures = catch_up(postgres, given.events, True, settings=settings(delivery, segments))
                rates.setdefault((segments, delivery), []).append(given.events / figures["took"])
                print(f"round {number + 1}: {segments} segments, {delivery}: {given.events / figures['took']:,.0f}/s, "
                      f"relay {figures['own'] / given.events * 1e6:.1f} µs an event", flush=True)
    for number in range(given.rounds):
        for segments in given.segments:
            for delivery in WAYS:
                found = latency(postgres, delivery, segments, 1000, given.seconds)
                figures = percentile(found, 0.5), percentile(found, 0.99)
                delays.setdefault((segments, delivery), []).append(figures)
                print(f"round {number + 1}: {segments} segments, {delivery}: p50 {figures[0]:.1f} ms, "
                      f"p99 {figures[1]:.1f} ms", flush=True)
    for delivery in WAYS:
        for number in range(given.rounds):
            took = killed(postgres, delivery, 8)
            takeovers.setdefault(delivery, []).append(took)
            print(f"killed, {delivery}: {took:.1f} s", flush=True)
    rows = []
    for segments in given.segments:
        least, exact = rates[(segments, WAYS[0])], rates[(segments, WAYS[1])]
        row = [str(segments), spread(least), spread(exact),
               spread([one / other for one, other in zip(exact, least)], "{:.2f}")]
        for delivery in WAYS:
            runs = delays[(segments, delivery)]
            row += [spread([run[i] for run in runs], "{:.1f}") for i in range(2)]
        rows.append(row)
    table(f"Exactly once (E) beside at least once (L); {given.rounds} rounds, median (least–most)",
          ["segments", "L, events/s", "E, events/s", "E/L", "L, p50 ms", "L, p99", "E, p50 ms", "E, p99"], rows)
    table("A killed relay's segments deliver again after, s", WAYS, [[spread(takeovers[way], "{:.1f}") for way in WAYS]])


if __name__ == "__main__":
    main()
