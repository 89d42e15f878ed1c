"""What notifying costs 32 writers, and what it gives a lone one. The relay runs along with the matching mode."""

import argparse
import re
import subprocess
import time

from appending import busy_script, pgbench, statement
from report import spread, table
from servers import Broker, Postgres, Relay, wait_for_quiet

MODES = ("never", "adaptive", "always")


def busy(postgres, broker, mode, seconds, writers):
    run = Relay(postgres, broker, single=True, notify=mode)
    time.sleep(1)
    wait_for_quiet()
    writer = pgbench(postgres, busy_script(postgres, mode), "-c", str(writers), "-j", "2", "-T", str(seconds))
    out, problem = writer.communicate()
    run.is_alive()
    run.stop()
    found = re.search(r"tps = ([0-9.]+)", out)
    if writer.returncode or not found:
        raise SystemExit(problem)
    return float(found.group(1))


def lone(postgres, broker, mode, count):
    """Seconds from before a lone append's commit to the record in the topic, at rest before each."""
    run = Relay(postgres, broker, single=True, notify=mode)
    total = int(postgres.sql("SELECT count(*) FROM events")[0][0])
    broker.wait_for(total, time.monotonic(), alive=run.is_alive)
    time.sleep(2)
    session = subprocess.Popen(["psql", "-X", "-q", "-A", "-t"], env=postgres.environment, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    times = []
    for number in range(count + 1):
        time.sleep(0.7)
        before = broker.records()
        text = " ".join(statement(mode, f"'lone-{mode}-{number}'").split())
        started = time.monotonic()
        session.stdin.write(text + "\n")
        session.stdin.flush()
        session.stdout.readline()
        committed = time.monotonic()
        while broker.records() == before:
            if time.monotonic() - started > 40:
                raise SystemExit("a lone append does not come")
        arrived = time.monotonic()
        if number:  # the first one warms up
            times.append(((arrived - committed) * 1000, (arrived - started) * 1000))
    session.stdin.close()
    session.wait()
    run.stop()
    return times


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=5)
    arguments.add_argument("--rounds", type=int, default=4)
    arguments.add_argument("--writers", type=int, default=32)
    arguments.add_argument("--lone", type=int, default=15)
    given = arguments.parse_args()
    postgres = Postgres()
    postgres.migrate()
    broker = Broker()
    commits, alone = {mode: [] for mode in MODES}, {mode: [] for mode in MODES}
    for number in range(given.rounds):
        for mode in MODES:
            commits[mode].append(busy(postgres, broker, mode, given.seconds, given.writers))
            print(f"{given.writers} writers, {mode}: {commits[mode][-1]:,.0f} commits/s", flush=True)
    for number in range(2):
        for mode in MODES:
            alone[mode] += [committed for committed, _ in lone(postgres, broker, mode, given.lone)]
            print(f"lone append, {mode}: {spread(alone[mode], '{:.1f}')} ms", flush=True)
    rows = []
    for mode in MODES:
        ratios = [ours / never for ours, never in zip(commits[mode], commits["never"])]
        rows.append([mode, spread(commits[mode]), "1" if mode == "never" else spread(ratios, "{:.2f}"),
                     spread(alone[mode], "{:.1f}")])
    table(f"Notify modes: {given.writers} writers, {given.rounds} rounds of {given.seconds} s, alternating; "
          "median (least–most)", ["notify", "commits/s", "ratio to never", "lone append to topic, ms"], rows)


if __name__ == "__main__":
    main()
