"""From commit to receipt: pgbench appends at a rate and notes when each commit returned; kcat reads the topic.

Both stamps are of the same machine's clock. pgbench's is taken when the COMMIT's answer has been read, the reader's when
kcat's line has come through its pipe, so kcat's fetch and print are in the figure.
"""

import argparse
import glob
import os
import subprocess
import threading
import time

from appending import paced_script, pgbench
from report import percentile, spread, table
from servers import Broker, Others, Postgres, Relay, at_end, processor, wait_for_quiet


class Receipts:
    """When each key came out of the topic."""

    def __init__(self, broker, topic):
        self.at = {}
        self.process = subprocess.Popen(
            ["kcat", "-q", "-u", "-C", "-b", broker.address, "-t", topic, "-o", "end", "-f", "%k\n",
             "-X", "fetch.wait.max.ms=1000", "-X", "check.crcs=false", "-X", "socket.nagle.disable=true"],
            stdout=subprocess.PIPE)
        at_end(self.stop)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        pipe, rest = self.process.stdout.fileno(), b""
        while data := os.read(pipe, 65536):
            now = time.time()
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for line in lines:
                self.at.setdefault(line.decode(), now)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def measure(postgres, broker, notify, rate, seconds, settings):
    run = Relay(postgres, broker, single=True, notify=notify, settings=settings)
    receipts = Receipts(broker, "Identity")
    time.sleep(2.5)
    for old in glob.glob(os.path.join(postgres.folder, "pgbench_log*")):
        os.remove(old)
    wait_for_quiet()
    clients = 1 if rate <= 100 else 4
    prefix = f"{notify}{rate}{time.time_ns()}"
    with open(paced_script(postgres, notify)) as script:
        text = script.read().replace("'writer-'", f"'{prefix}-'")
    path = os.path.join(postgres.folder, "latency.sql")
    with open(path, "w") as script:
        script.write(text)
    log = os.path.join(postgres.folder, "pgbench_log")
    used = lambda: sum([postgres.processor(), broker.processor(), processor(run.pid), processor(receipts.process.pid)])
    others, before, children = Others(), used(), os.times().children_user + os.times().children_system
    writer = pgbench(postgres, path, "-c", str(clients), "-T", str(seconds), "-R", str(rate), "-D", "n=0", "-l",
                     f"--log-prefix={log}")
    out, problem = writer.communicate()
    if writer.returncode:
        raise SystemExit(problem)
    writers = os.times().children_user + os.times().children_system - children
    load = others.share(used() - before + writers)
    time.sleep(0.5)
    run.is_alive()
    run.stop()
    receipts.stop()
    delays, commits, missing, lines = [], [], 0, []
    for name in glob.glob(log + "*"):
        with open(name) as text:
            lines += [[int(field) for field in line.split()] for line in text]
    # The script counts its transactions from 1, pgbench's log from its first number.
    shift = 1 - min(line[1] for line in lines)
    for client, number, took, _, second, micro, lag in (line[:7] for line in lines):
        commits.append((took - lag) / 1000)
        at = receipts.at.get(f"{prefix}-{client}-{number + shift}")
        if at is None:
            missing += 1
        else:
            delays.append((at - second - micro / 1e6) * 1000)
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
    ways = [(notify, rate, {}) for rate in (100, 1000) for notify in ("adaptive", "always")]
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
