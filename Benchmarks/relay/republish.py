"""The live flow beside a republish job: from commit to receipt, alone and while a job publishes a backlog again.

Rounds alternate between the two, so that what others do to the machine meets both. The job goes to topics of its own, so
that the reader of the live topic reads the live flow alone, and what is measured is what the job does to database, broker
and machine.
"""

import argparse
import os
import subprocess
import threading
import time

from latency import measure
from report import percentile, spread, table
from servers import CONTEXTS, GODWIT, Broker, Postgres, at_end


class Jobs:
    """`godwit republish` over the whole backlog, one job after the other, until stopped."""

    def __init__(self, postgres, broker, rate):
        self.postgres, self.name = postgres, f"job-{time.time_ns()}"
        self.environment = dict(
            os.environ, GODWIT_DATABASE_URL=postgres.url, GODWIT_KAFKA_BOOTSTRAP_SERVERS=broker.address,
            GODWIT_CONSUMERS_ALL_TOPIC="{bounded_context}")
        self.options = ["--consumer", "all", "--to-topic", "Again.{bounded_context}", "--log-level", "warning"]
        if rate:
            self.options += ["--rate", str(rate)]
        self.is_stopped = False
        self.process = None
        at_end(self.stop)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        number = 0
        while not self.is_stopped:
            number += 1
            self.process = subprocess.Popen(
                [GODWIT, "republish", "--job", f"{self.name}-{number}", *self.options], env=self.environment,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            _, problem = self.process.communicate()
            if self.process.returncode not in (0, 30):
                raise SystemExit(problem)

    def stop(self):
        """Returns how many events a second were published."""
        if not self.is_stopped:
            self.is_stopped = True
            if self.process.poll() is None:
                self.process.terminate()
            self.thread.join()
        return float(self.postgres.sql(f"""
            SELECT sum(published) / extract(epoch FROM max(updated_at) - min(started_at)) FROM godwit.jobs
            WHERE name LIKE '{self.name}-%'""")[0][0])


class CourteousJobs:
    """The same, but run by the relay itself, for whose live flow they stand back."""

    def __init__(self, postgres, broker):
        self.postgres, self.name, self.number = postgres, f"queued-{time.time_ns()}", 0
        self.environment = dict(
            os.environ, GODWIT_DATABASE_URL=postgres.url, GODWIT_KAFKA_BOOTSTRAP_SERVERS=broker.address,
            GODWIT_CONSUMERS_ALL_TOPIC="{bounded_context}")
        self.is_stopped = False
        at_end(self.stop)
        self.queue()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def queue(self):
        self.number += 1
        self.godwit("republish", "--job", f"{self.name}-{self.number}", "--consumer", "all", "--queue",
                    "--to-topic", "Again.{bounded_context}")

    def godwit(self, *options):
        subprocess.run([GODWIT, *options, "--log-level", "warning"], env=self.environment, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _run(self):
        while not self.is_stopped:
            time.sleep(0.5)
            state = self.postgres.sql(
                f"SELECT state FROM godwit.jobs WHERE name = '{self.name}-{self.number}'")[0][0]
            if state == "done" and not self.is_stopped:
                self.queue()

    def stop(self):
        """Returns how many events a second were published."""
        if not self.is_stopped:
            self.is_stopped = True
            self.thread.join()
            self.godwit("jobs", "cancel", f"{self.name}-{self.number}")
        return float(self.postgres.sql(f"""
            SELECT sum(published) / extract(epoch FROM max(updated_at) - min(started_at)) FROM godwit.jobs
            WHERE name LIKE '{self.name}-%'""")[0][0])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=5)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--events", type=int, default=300_000, help="the backlog that the job publishes again")
    arguments.add_argument("--rates", type=int, nargs="+", default=[1000, 5000, 0], help="of the job; 0 for no limit")
    arguments.add_argument("--live", type=int, default=200, help="events a second of the live flow")
    given = arguments.parse_args()
    postgres = Postgres()
    postgres.migrate()
    postgres.fill(given.events)
    broker = Broker(tuple(CONTEXTS) + tuple(f"Again.{context}" for context in CONTEXTS))
    # The live flow begins behind the backlog.
    live = {"GODWIT_CONSUMERS_ALL_START": "now"}
    results = {}
    for number in range(given.rounds):
        for rate in [None, "courtesy"] + given.rates:
            jobs = (None if rate is None else CourteousJobs(postgres, broker) if rate == "courtesy"
                    else Jobs(postgres, broker, rate))
            delays, _, load = measure(postgres, broker, "adaptive", given.live, given.seconds, live)
            speed = jobs.stop() if jobs else 0
            name = "alone" if rate is None else "job of the relay, courteous" if rate == "courtesy" else f"job at {rate:,}/s" if rate else "job without a limit"
            figures = percentile(delays, 0.5), percentile(delays, 0.99), speed, load
            results.setdefault(name, []).append(figures)
            print(f"{name}: p50 {figures[0]:.2f} ms, p99 {figures[1]:.2f} ms; job {speed:,.0f}/s; others "
                  f"{load * 100:.0f}%", flush=True)
    rows = [[name] + [spread([run[i] for run in runs], "{:.1f}") for i in range(2)]
            + [spread([run[2] for run in runs], "{:,.0f}"), spread([run[3] * 100 for run in runs]) + "%"]
            for name, runs in results.items()]
    table(f"Live flow of {given.live}/s beside a republish job, from commit to receipt, ms; {given.rounds} rounds of "
          f"{given.seconds} s; median (least–most)", ["", "p50", "p99", "job, events/s", "others' load"], rows)


if __name__ == "__main__":
    main()
