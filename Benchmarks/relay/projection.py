"""A projection over many events: a statement for each event against a statement for each batch."""

import argparse
import json
import os
import statistics
import subprocess

from report import table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--aggregates", type=int, default=1_000)
    arguments.add_argument("--rounds", type=int, default=1)
    given = arguments.parse_args()
    build = ["swift", "build", "-c", "release", "--product", "ProjectionBenchmark"]
    subprocess.run(build, cwd=ROOT, check=True)
    folder = subprocess.run(build + ["--show-bin-path"], cwd=ROOT, check=True, capture_output=True, text=True)
    program = os.path.join(folder.stdout.strip(), "ProjectionBenchmark")
    results = {}
    factors = []
    for _ in range(given.rounds):
        output = subprocess.run([program, str(given.events), str(given.aggregates)], check=True, capture_output=True,
                                text=True).stdout
        for line in map(json.loads, output.splitlines()):
            if "times as fast" in line:
                factors.append(line["times as fast"])
            else:
                results.setdefault(line["handled"], []).append(line["seconds"])
            print(line, flush=True)
    rows = [[name, f"{statistics.median(times):.1f}", f"{given.events / statistics.median(times):,.0f}"]
            for name, times in results.items()]
    table(f"A projection over {given.events:,} events of {given.aggregates:,} aggregates, median of {given.rounds}",
          ["", "seconds", "events/s"], rows)
    factor = statistics.median(factors)
    print(f"By the batch: {factor:.1f} times as fast")
    if factor < 5:
        raise SystemExit("expected at least 5 times as fast")


if __name__ == "__main__":
    main()
