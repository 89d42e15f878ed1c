"""The cost of an event while catching up: with few and many events, and with few and many segments."""

import argparse

from report import spread, table
from servers import Broker, Postgres, Relay, processor, resident, wait_for_quiet


def measure(postgres, count, segments):
    postgres.forget_checkpoints()
    broker = Broker()
    postgres.reset_statistics()
    wait_for_quiet()
    run = Relay(postgres, broker, single=True, settings={"GODWIT_WORKER_TOTAL_SEGMENTS": str(segments)})
    _, took = broker.wait_for(count, run.started, alive=run.is_alive)
    own, peak = processor(run.pid), resident(run.pid)
    run.stop()
    broker.stop()
    statements, rows, touched = postgres.statistics()
    return {
        "cost": took / count * 1e6, "own": own / count * 1e6, "peak": peak, "rows": rows / count,
        "touched": touched / count, "statements": sum(calls for calls, _, _ in statements) / count * 1000,
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--few", type=int, default=200_000)
    arguments.add_argument("--many", type=int, default=2_000_000)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    # The few and the many lie in clusters of their own, used in turn.
    clusters = {}
    for count in (given.few, given.many):
        clusters[count] = Postgres()
        clusters[count].migrate()
        clusters[count].fill(count)
    results = {}
    for _ in range(given.rounds):
        for count, segments in ((given.few, 1), (given.few, 4), (given.few, 64), (given.many, 4)):
            figures = measure(clusters[count], count, segments)
            results.setdefault((count, segments), []).append(figures)
            print(f"{count:,} events, {segments} segments: {figures['cost']:.1f} µs/event, "
                  f"{figures['statements']:.2f} statements/1,000, {figures['rows']:.3f} rows/event, "
                  f"{figures['touched']:.3f} tuples/event, peak {figures['peak']:.0f} MB", flush=True)
    rows = []
    base = results[(given.few, 4)]
    for (count, segments), runs in results.items():
        column = lambda key, form: spread([run[key] for run in runs], form)
        rows.append([
            f"{count:,} events, {segments} segment{'s' if segments > 1 else ''}", column("cost", "{:.1f}"),
            spread([run["cost"] / other["cost"] for run, other in zip(runs, base)], "{:.2f}"),
            column("own", "{:.1f}"), column("rows", "{:.3f}"), column("touched", "{:.3f}"),
            column("statements", "{:.2f}"), column("peak", "{:.0f}"),
        ])
    table(f"The cost of an event, one consumer, {given.rounds} rounds; median (least–most)",
          ["", "µs/event", "to 4 segments", "own processor µs/event", "rows read/event", "tuples fetched/event",
           "statements/1,000 events", "peak MB"], rows)


if __name__ == "__main__":
    main()
