"""What an audit costs beside a live flow, and how soon it finds a loss.

Rounds without and with `audit.interval` alternate: the relay's share of a core by the process's own clock, with the threads
that end meanwhile, PostgreSQL's and the broker's, and the time from commit to receipt as `latency.py` measures it. Every record
of a round is audited within it. At the end an event is lost: the checkpoint passes it while no relay runs.
"""

import argparse
import json
import os
import subprocess
import time

from appending import append_paced
from report import percentile, spread, table
from servers import GODWIT, Broker, Others, Postgres, Receipts, Relay, processor, resident, wait_for_quiet


def audit_of(relay):
    """The audit's state as the command shows it."""
    done = subprocess.run([GODWIT, "audit", "--json"], env=relay.environment, stdout=subprocess.PIPE, text=True)
    return (json.loads(done.stdout)["audits"] or [{}])[0]


def wait_for(relay, holds, limit):
    """Waits until the audit's state is as asked; returns it."""
    end = time.monotonic() + limit
    while True:
        state = audit_of(relay)
        if holds(state):
            return state
        if time.monotonic() > end:
            raise SystemExit(f"the audit does not come to it: {state}")
        time.sleep(0.5)


def last_position(postgres):
    return int(postgres.sql("SELECT max(global_position) FROM events")[0][0])


def measure(postgres, broker, interval, rate, seconds):
    settings = {"GODWIT_AUDIT_INTERVAL": f"{interval}s"} if interval else {}
    run = Relay(postgres, broker, single=True, notify="auto", settings=settings)
    receipts = Receipts(broker, "Identity")
    time.sleep(2.5)
    wait_for_quiet()
    audited = wait_for(run, lambda state: "position" in state, 60).get("committed", 0) if interval else 0
    relay, database, brokers = processor(run.pid), postgres.processor(), broker.processor()
    used = lambda: sum([postgres.processor(), broker.processor(), processor(run.pid), receipts.processor()])
    others, before, children = Others(), used(), os.times().children_user + os.times().children_system
    started = time.monotonic()
    appends = append_paced(postgres, "never", rate, seconds=seconds)
    writers = os.times().children_user + os.times().children_system - children
    load = others.share(used() - before + writers)
    if interval:
        # The rest is audited too, so that all of its cost is counted.
        last = last_position(postgres)
        state = wait_for(run, lambda state: state.get("position", 0) >= last, 10 * interval + 30)
        count = state["committed"] - audited
        if state["missing"] or state["out_of_order"] or count < len(appends):
            raise SystemExit(f"the audit is not clean: {state}")
    else:
        time.sleep(0.5)
    # The work is that of the events, however long the round was waited for.
    took = seconds
    figures = [(now - then) / took * 100 for then, now in
               [(relay, processor(run.pid)), (database, postgres.processor()), (brokers, broker.processor())]]
    memory = resident(run.pid)
    run.is_alive()
    run.stop()
    receipts.stop()
    delays = [(receipts.at[append.key] - append.at) * 1000 for append in appends if append.key in receipts.at]
    return figures + [percentile(delays, 0.5), percentile(delays, 0.99), memory, load * 100, time.monotonic() - started]


def lose_one(postgres, broker, interval):
    """Seconds from the start of a relay to the moment when the loss of one event counts."""
    settings = {"GODWIT_AUDIT_INTERVAL": f"{interval}s"}
    # What rounds without an audit have left is audited first.
    run, last = Relay(postgres, broker, single=True, notify="auto", settings=settings), last_position(postgres)
    wait_for(run, lambda state: state.get("position", 0) >= last, 120)
    run.stop()
    postgres.fill(3, first=last_position(postgres) + 1_000_000, contexts=["Identity"])
    last = last_position(postgres)
    postgres.sql(f"UPDATE consumer_segments SET checkpoint = {last - 2}")
    run = Relay(postgres, broker, single=True, notify="auto", settings=settings)
    started = time.monotonic()
    state = wait_for(run, lambda state: state.get("missing") == 1, 20 * interval)
    took = time.monotonic() - started
    if state["missing_positions"] != [last - 2]:
        raise SystemExit(f"another event is missing: {state}")
    run.stop()
    return took


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=30)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--rate", type=int, default=1000)
    arguments.add_argument("--interval", type=int, default=10, help="seconds between two steps")
    given = arguments.parse_args()
    postgres = Postgres()
    postgres.migrate()
    postgres.fill(1000)
    broker = Broker()
    results = {}
    for number in range(given.rounds):
        for interval in (0, given.interval) if number % 2 == 0 else (given.interval, 0):
            figures = measure(postgres, broker, interval, given.rate, given.seconds)
            results.setdefault(interval, []).append(figures)
            print(f"{'audit' if interval else 'none '}: relay {figures[0]:.1f}%, server {figures[1]:.1f}%, broker "
                  f"{figures[2]:.1f}% of a core; p50 {figures[3]:.2f} ms, p99 {figures[4]:.2f} ms; {figures[5]:.0f} MB; "
                  f"others {figures[6]:.0f}%", flush=True)
    rows = []
    for interval, runs in sorted(results.items()):
        name = f"audit each {interval} s" if interval else "no audit"
        rows.append([name] + [spread([run[i] for run in runs], "{:.1f}") for i in range(7)])
    table(f"{given.rate:,} events/s; {given.rounds} rounds of {given.seconds} s; median (least–most)",
          ["", "relay, % of a core", "server, %", "broker, %", "p50 ms", "p99 ms", "MB", "others' load %"], rows)
    took = lose_one(postgres, broker, given.interval)
    print(f"a lost event counted {took:.1f} s after the relay's start, {took / given.interval:.1f} intervals of "
          f"{given.interval} s")


if __name__ == "__main__":
    main()
