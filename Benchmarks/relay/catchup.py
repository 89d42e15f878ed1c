"""Catching up, against `psql COPY | kcat -P` of the same data: alternating in one run."""

import argparse
import os
import subprocess
import time

from report import spread, table
from servers import CONTEXTS, PARTITIONS, Broker, Others, Postgres, Relay, processor, resident, wait_for_quiet


def account(took, first, own, database, broker, others, peak=0):
    return {
        "took": took, "first": first, "peak": peak, "own": own, "database": database, "broker": broker,
        "processor": own + database + broker, "others": others.share(own + database + broker),
    }


def relay(postgres, count, single, settings=None, contexts=CONTEXTS, partitions=PARTITIONS):
    """One catch-up from an empty checkpoint to the last record in the topics."""
    postgres.forget_checkpoints()
    broker = Broker(contexts, partitions=partitions)
    wait_for_quiet()
    others, database, kafka = Others(), postgres.processor(), broker.processor()
    run = Relay(postgres, broker, single, settings=settings, contexts=contexts)
    first, took = broker.wait_for(count, run.started, alive=run.is_alive)
    figures = account(took, first, processor(run.pid), postgres.processor() - database, broker.processor() - kafka,
                      others, resident(run.pid))
    run.stop()
    broker.stop()
    return figures


def yardstick(postgres, count, at_once):
    """Three pipes, one per context, at once or one after the other: the keys and values alone, to the same partitions,
    by the same library."""
    subprocess.run(["psql", "-X", "-q", "-c", "CHECKPOINT"], env=postgres.environment, check=True)
    broker = Broker()
    wait_for_quiet()
    others, database, kafka = Others(), postgres.processor(), broker.processor()
    before = os.times()
    started = time.monotonic()
    processes = []

    def wait():
        while processes:
            if processes.pop().wait():
                raise SystemExit("a pipe of the yardstick failed")

    for context in CONTEXTS:
        copy = f"""COPY (SELECT aggregate_id, convert_from(payload, 'UTF8') FROM events
            WHERE bounded_context = '{context}' ORDER BY global_position) TO STDOUT"""
        source = subprocess.Popen(["psql", "-X", "-q", "-c", copy], env=postgres.environment, stdout=subprocess.PIPE)
        processes.append(subprocess.Popen(
            ["kcat", "-q", "-P", "-b", broker.address, "-t", context, "-K", "\t", "-X", "acks=all",
             "-X", "partitioner=murmur2_random"], stdin=source.stdout))
        source.stdout.close()
        processes.append(source)
        if not at_once:
            wait()
    first, took = broker.wait_for(count, started)
    wait()
    after = os.times()
    own = after.children_user + after.children_system - before.children_user - before.children_system
    figures = account(took, first, own, postgres.processor() - database, broker.processor() - kafka, others)
    broker.stop()
    return figures


def relays(postgres, count, headers):
    """The ways of a relay whose consumers carry these headers, by their names in the table."""
    suffix = "" if headers == "standard" else f", `headers: {headers}`"
    consumers = {False: [context.upper() for context in CONTEXTS], True: ["ALL"]}

    def way(single):
        settings = {f"GODWIT_CONSUMERS_{name}_HEADERS": headers for name in consumers[single]}
        return lambda: relay(postgres, count, single, settings=settings)

    return {
        f"`godwit run`, a consumer per context{suffix}": way(single=False),
        f"`godwit run`, one consumer, topic by template{suffix}": way(single=True),
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=200_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--headers", nargs="+", default=["standard"], metavar="CHOICE",
                           help="standard, minimal, none, or names with commas between; several alternate")
    given = arguments.parse_args()
    postgres = Postgres()
    postgres.migrate()
    postgres.fill(given.events)
    ways = {
        "`psql COPY \\| kcat -P`, three at once": lambda: yardstick(postgres, given.events, at_once=True),
        "the same, one after the other": lambda: yardstick(postgres, given.events, at_once=False),
    }
    for headers in given.headers:
        ways |= relays(postgres, given.events, headers)
    results = {name: [] for name in ways}
    for number in range(given.rounds):
        for name, way in ways.items():
            figures = way()
            results[name].append(figures)
            print(f"round {number + 1}: {name}: {given.events / figures['took']:,.0f}/s, processor seconds: "
                  f"own {figures['own']:.2f}, PostgreSQL {figures['database']:.2f}, broker {figures['broker']:.2f}; "
                  f"first record after {figures['first'] * 1000:.0f} ms, peak {figures['peak']:.0f} MB; "
                  f"others had {figures['others'] * 100:.0f}% of the machine", flush=True)
    base = next(iter(results.values()))
    rows = []
    for name, runs in results.items():
        per = lambda key: spread([run[key] / given.events * 1e6 for run in runs], "{:.1f}")
        ratio = lambda key: spread([other[key] / run[key] for run, other in zip(runs, base)], "{:.2f}")
        rows.append([
            name, spread([given.events / run["took"] for run in runs]), "1" if runs is base else ratio("took"),
            per("processor"), "1" if runs is base else ratio("processor"), per("own"), per("database"), per("broker"),
            spread([run["peak"] for run in runs]) if runs[0]["peak"] else "",
            spread([run["first"] * 1000 for run in runs]) if runs[0]["peak"] else "",
            spread([run["others"] * 100 for run in runs]) + "%",
        ])
    table(f"Catching up {given.events:,} events of 500 bytes: 3 contexts, 12 partitions, {given.rounds} rounds, "
          "alternating; median (least–most)",
          ["", "events/s", "ratio", "processor µs/event", "its ratio", "relay or pipes", "PostgreSQL", "broker",
           "peak MB", "first record ms", "others' load"], rows)


if __name__ == "__main__":
    main()
