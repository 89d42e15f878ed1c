"""What `verify` takes over many events: time, and memory, which must not grow with their number.

Events with small payloads are inserted by SQL, carried to the embedded broker, and compared, once for each number given.
"""

import argparse
import json
import os
import signal
import subprocess
import time

from report import table
from servers import CONTEXTS, GODWIT, Broker, Postgres, end_with_parent


def fill(postgres, first, last):
    """In transactions of their own, since the time of an event is that of its transaction."""
    for start in range(first, last + 1, 200_000):
        insert(postgres, start, min(last, start + 199_999))
    postgres.sql("CHECKPOINT")


def insert(postgres, first, last):
    postgres.sql(f"""
        INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
        SELECT '{CONTEXTS[0]}', 'Thing', 'thing-' || i / 5, i % 5 + 1, gen_random_uuid(), 'ThingHappened', '{{}}'
        FROM generate_series({first}, {last}) AS i ORDER BY i;""")


def run(environment, *arguments):
    """Runs a command of Godwit: its output, seconds, seconds of a processor, peak MB."""
    started = time.monotonic()
    process = subprocess.Popen([GODWIT, *arguments], env=environment, stdout=subprocess.PIPE, text=True,
                               preexec_fn=end_with_parent(signal.SIGKILL))
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments[0]} has failed: {process.returncode}: {output}")
    return output, time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000])
    arguments.add_argument("--values", action="store_true", help="compare keys and values too")
    given = arguments.parse_args()
    # What is inserted need not outlive the benchmark.
    postgres = Postgres(fsync="off", full_page_writes="off")
    postgres.migrate()
    broker = Broker(topics=CONTEXTS[:1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GODWIT_")}
    environment |= {
        "GODWIT_DATABASE_URL": postgres.url, "GODWIT_KAFKA_BOOTSTRAP_SERVERS": broker.address,
        "GODWIT_CONSUMERS_ALL_TOPIC": CONTEXTS[0], "GODWIT_CONSUMERS_ALL_HEADERS": "minimal",
        "GODWIT_LOG_LEVEL": "warning",
    }
    rows, done = [], 0
    for count in sorted(given.events):
        fill(postgres, done + 1, count)
        _, carried, _, _ = run(environment, "catch-up", "all")
        print(f"{count - done:,} more carried in {carried:.0f} s", flush=True)
        done = count
        options = ["--values"] if given.values else []
        output, took, processor, peak = run(environment, "verify", "--consumer", "all", "--json", *options)
        report = json.loads(output)
        if not report["clean"] or report["delivered"] != count:
            raise SystemExit(f"it is not clean: {output}")
        read = report.get("records_read", 0)
        rows.append([f"{count:,}", f"{took:.0f}", f"{count / took:,.0f}", f"{processor:.0f}", f"{read:,}", f"{peak:.0f}"])
        print(rows[-1], flush=True)
    table("`verify`, release build, embedded broker", ["events", "s", "events/s", "processor s", "records read", "peak MB"],
          rows)


if __name__ == "__main__":
    main()
