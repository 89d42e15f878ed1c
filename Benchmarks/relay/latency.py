"""From commit to receipt: pgbench appends at a rate and notes when each commit returned; kcat reads the topic.

Both stamps are of the same machine's clock. pgbench's is taken when the COMMIT's answer has been read, the reader's when
kcat's line has come through its pipe, so kcat's fetch and print are in the figure.
"""

import argparse
import os
import time

from appending import append_paced
from report import percentile, spread, table
from servers import Broker, Others, Postgres, Receipts, Relay, processor, wait_for_quiet


def measure(postgres, broker, notify, rate, seconds, settings):
    run = Relay(postgres, broker, single=True, notify=notify, settings=settings)
    receipts = Receipts(broker, "Identity")
    time.sleep(2.5)
    wait_for_quiet()
    used = lambda: sum([postgres.processor(), broker.processor(), processor(run.pid), receipts.processor()])
    others, before, children = Others(), used(), os.times().children_user + os.times().children_system
    # By default the writers are plain SQL that knows nothing of notifications, and the table has its trigger.
    appends = append_paced(postgres, "never" if notify == "auto" else notify, rate, seconds=seconds)
    writers = os.times().children_user + os.times().children_system - children
    load = others.share(used() - before + writers)
    time.sleep(0.5)
    run.is_alive()
    run.stop()
    receipts.stop()
    commits = [append.took for append in appends]
    delays = [(receipts.at[append.key] - append.at) * 1000 for append in appends if append.key in receipts.at]
    missing = len(appends) - len(delays)
    if missing > 5:
        print(f"    {missing} records did not come in time")
    return delays, commits, load


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    postgres = Postgres()
    postgres.migrate()
    postgres.fill(1000)
    broker = Broker()
    ways = [(notify, rate, {}) for rate in (100, 1000) for notify in ("auto", "adaptive", "always")]
    results = {}
    for number in range(given.rounds):
        for notify, rate, settings in ways:
            delays, commits, load = measure(postgres, broker, notify, rate, given.seconds, settings)
            figures = percentile(delays, 0.5), percentile(delays, 0.99), percentile(commits, 0.5), load
            results.setdefault((notify, rate), []).append(figures)
            print(f"{rate}/s, notify {notify}: p50 {figures[0]:.2f} ms, p99 {figures[1]:.2f} ms; commit itself "
                  f"{figures[2]:.2f} ms; {len(delays)} events; others {load * 100:.0f}%", flush=True)
    rows = []
    for (notify, rate), runs in results.items():
        rows.append([f"{rate:,}/s, notify {notify}"] + [spread([run[i] for run in runs], "{:.1f}") for i in range(2)]
                    + [spread([run[3] * 100 for run in runs]) + "%"])
    table(f"From commit to receipt by kcat, ms; {given.rounds} rounds of {given.seconds} s; median (least–most)",
          ["", "p50", "p99", "others' load"], rows)


if __name__ == "__main__":
    main()
