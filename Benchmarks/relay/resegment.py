"""A consumer's segments exchanged for others, 4 for 16 for 3, while three processes serve it at a rate of inserts.

For at least once and exactly once: how long nobody owned a segment as the command says, the longest time between two records at a
reader of committed ones, the slowest event from its insert to its receipt, and what was lost, doubled or out of order.
"""

import argparse
import json
import os
import subprocess
import threading
import time

from appending import pgbench
from report import table
from servers import GODWIT, Broker, Postgres, Relay, at_end, end_with_parent, wait_for_quiet


class Records:
    """What a reader of committed records sees: key, position, time of the event, time of the receipt."""

    def __init__(self, broker, topic):
        self.seen = []
        self.process = subprocess.Popen(
            ["kcat", "-q", "-u", "-b", broker.address, "-C", "-t", topic, "-f", "%k\t%T\t%h\n",
             "-X", "isolation.level=read_committed", "-X", "fetch.wait.max.ms=100"],
            stdout=subprocess.PIPE, preexec_fn=end_with_parent(9))
        at_end(self.stop)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            key, stamp, headers = line.decode().rstrip("\n").split("\t", 2)
            found = dict(part.split("=", 1) for part in headers.split(",") if "=" in part)
            self.seen.append((key, int(found["global_position"]), int(stamp) / 1000, time.time()))

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def append(postgres, rate, seconds):
    """Inserts into 400 aggregates, 100 of each client."""
    script = os.path.join(postgres.folder, "resegment.sql")
    with open(script, "w") as file:
        file.write("\\set n :n + 1\nINSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                   "event_type, payload, created_at) VALUES ('Identity', 'Thing', 'a-' || :client_id::text || '-' || "
                   "(:n % 100)::text, :n, gen_random_uuid(), 'Happened', decode(repeat('61', 500), 'hex'), clock_timestamp());\n")
    return pgbench(postgres, script, "-c", "4", "-T", str(seconds), "-R", str(rate), "-D", "n=0")


def measure(delivery, rate, seconds):
    postgres, broker = Postgres(), Broker(topics=["Identity"])
    postgres.migrate("--notify-trigger", "install")
    settings = {
        "GODWIT_CONSUMERS_IDENTITY_DELIVERY": delivery, "GODWIT_KAFKA_TOPICS_CREATE": "true",
        "GODWIT_WORKER_TOTAL_SEGMENTS": "4", "GODWIT_NOTIFY_MODE": "adaptive"}
    relays = [Relay(postgres, broker, contexts=["Identity"], settings=settings) for _ in range(3)]
    records = Records(broker, "Identity")
    time.sleep(5)
    wait_for_quiet()
    rows = []
    writer = append(postgres, rate, seconds * 3)
    began = time.time()
    for total in (16, 3):
        time.sleep(max(0, began + seconds * (1 if total == 16 else 2) - time.time()))
        start = time.time()
        done = subprocess.run([GODWIT, "resegment", "identity", "--to", str(total), "--json"],
                              env=relays[0].environment, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"resegment ends with {done.returncode}")
        rows.append([delivery, total, json.loads(done.stdout)["pause_seconds"], start, time.time()])
    _, problem = writer.communicate()
    if writer.returncode:
        raise SystemExit(problem)
    count = int(postgres.sql("SELECT count(*) FROM events")[0][0])
    end = time.time() + 60
    while len({row[1] for row in records.seen}) < count and time.time() < end:
        time.sleep(0.2)
    time.sleep(1)
    for relay in relays:
        relay.is_alive()
        relay.stop()
    records.stop()
    postgres.stop()
    broker.stop()
    seen = list(records.seen)
    lost, doubled = count - len({row[1] for row in seen}), len(seen) - len({row[1] for row in seen})
    last, disordered = {}, 0
    for key, position, _, _ in seen:
        disordered += position < last.get(key, 0)
        last[key] = max(position, last.get(key, 0))
    result = []
    for name, total, pause, start, over in rows:
        near = [row for row in seen if start - 0.5 <= row[3] <= over + 5]
        gap = max((after[3] - before[3] for before, after in zip(near, near[1:])), default=0)
        slowest = max((row[3] - row[2] for row in near), default=0)
        result.append([f"{name}, to {total}", f"{pause:.2f}", f"{gap:.2f}", f"{slowest:.2f}", count, lost, doubled, disordered])
    return result


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=int, default=1000)
    arguments.add_argument("--seconds", type=int, default=10, help="before, between and after the exchanges")
    given = arguments.parse_args()
    rows = []
    for delivery in ("at_least_once", "exactly_once"):
        rows += measure(delivery, given.rate, given.seconds)
    table(f"4 segments to 16 to 3 at {given.rate:,} inserts a second, three processes",
          ["", "unowned s", "longest gap s", "slowest event s", "events", "lost", "doubled", "out of order"], rows)


if __name__ == "__main__":
    main()
