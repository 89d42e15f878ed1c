"""What retention costs beside a live flow, and whether it keeps the table small.

Rounds without and with `source.retention` alternate at a rate of inserts, with a transaction open for a while: one that has read,
so that no room is freed meanwhile, or with `--draw` one that has drawn a position, behind which nothing is delivered. The time from
commit to receipt is measured as in `latency.py`, and the size of the events table and its indexes is sampled meanwhile. With
retention rows go once they have been delivered for a few seconds; the size must level off, since autovacuum, which is on here, lets
the room be used again.
"""

import argparse
import threading
import time

from appending import append_paced
from report import percentile, spread, table
from servers import Broker, Postgres, Receipts, Relay, wait_for_quiet

RETENTION = {
    "GODWIT_SOURCE_KIND": "outbox",
    "GODWIT_SOURCE_RETENTION_INTERVAL": "1s",
}


def size_of(postgres):
    """MB of the table with its indexes, and how many rows it has, about."""
    size = int(postgres.sql("SELECT pg_total_relation_size('events')")[0][0]) / 1e6
    rows = int(postgres.sql("SELECT count(*) FROM events")[0][0])
    return size, rows


def measure(postgres, broker, retention, rate, seconds, delivered_for, hold, draw):
    settings = dict(RETENTION, GODWIT_SOURCE_RETENTION_DELIVERED_FOR=f"{delivered_for}s",
                    GODWIT_SOURCE_RETENTION_RATE=str(rate * 4)) if retention else {}
    run = Relay(postgres, broker, single=True, notify="auto", settings=settings)
    receipts = Receipts(broker, "Identity")
    time.sleep(2.5)
    wait_for_quiet()
    sizes, over = [], threading.Event()

    def sample():
        while not over.wait(5):
            sizes.append(size_of(postgres)[0])

    def hold_open():
        # Beside the measured appends: what is delivered goes all the same, what follows waits.
        if not over.wait(seconds / 3):
            first = ("SELECT nextval(pg_get_serial_sequence('events', 'global_position'))" if draw
                     else "SELECT count(*) FROM events WHERE global_position < 0")
            postgres.sql(f"BEGIN ISOLATION LEVEL REPEATABLE READ; {first}; SELECT pg_sleep({hold}); ROLLBACK")

    threads = [threading.Thread(target=sample), threading.Thread(target=hold_open)]
    for thread in threads:
        thread.start()
    appends = append_paced(postgres, "never", rate, seconds=seconds)
    over.set()
    for thread in threads:
        thread.join()
    time.sleep(0.5)
    run.is_alive()
    run.stop()
    receipts.stop()
    delays = [(receipts.at[append.key] - append.at) * 1000 for append in appends if append.key in receipts.at]
    print("MB every 5 s: " + " ".join(f"{size:.0f}" for size in sizes[:: max(1, len(sizes) // 12)]), flush=True)
    half = len(sizes) // 2
    growth = (max(sizes[half:]) - max(sizes[:half])) if half else 0
    return percentile(delays, 0.5), percentile(delays, 0.99), *size_of(postgres), growth


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=60, help="600 for the size over ten minutes")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--rate", type=int, default=1000)
    arguments.add_argument("--delivered-for", type=int, default=5)
    arguments.add_argument("--hold", type=float, default=0, help="seconds for which a transaction stays open")
    arguments.add_argument("--draw", action="store_true", help="that transaction has drawn a position")
    given = arguments.parse_args()
    postgres = Postgres(autovacuum="on", autovacuum_naptime="10s", autovacuum_vacuum_cost_delay="0")
    postgres.migrate()
    postgres.fill(1000)
    broker = Broker()
    results = {}
    for number in range(given.rounds):
        for retention in (False, True):
            # Each round begins with an empty table: what is kept would count for both.
            postgres.sql("DELETE FROM events WHERE global_position <= (SELECT min(checkpoint) FROM consumer_segments)")
            postgres.sql("VACUUM FULL events")
            figures = measure(
                postgres, broker, retention, given.rate, given.seconds, given.delivered_for, given.hold, given.draw)
            results.setdefault(retention, []).append(figures)
            print(f"{'with' if retention else 'without'} retention: p50 {figures[0]:.2f} ms, p99 {figures[1]:.2f} ms; "
                  f"{figures[2]:.0f} MB with {figures[3]} rows, {figures[4]:+.1f} MB in the second half", flush=True)
    rows = [[name] + [spread([run[i] for run in results[retention]], "{:.1f}") for i in (0, 1, 2, 4)]
            for retention, name in ((False, "without"), (True, "with retention"))]
    table(f"{given.rate:,} inserts a second beside retention; {given.rounds} rounds of {given.seconds} s; "
          "median (least–most)", ["", "p50 ms", "p99 ms", "table MB", "growth in 2nd half MB"], rows)


if __name__ == "__main__":
    main()
