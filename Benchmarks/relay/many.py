"""Many consumers in one process: latency, catching up, rest, and what holds them up.

Each consumer has one bounded context and a topic of one partition; "1" is one consumer without a scope over the contexts
of ten, "1 scoped" one with the only context there is. Events are appended by a statement that does not notify; the trigger
of `godwit migrate` does. What is compared alternates within each round.

Parts: latency; locks (ten consumers beside foreign locks); processes (ten consumers shared by three processes); catchup;
rest; held (an open transaction holds the horizon back); halt (the tenth consumer halted, or paused).
"""

import argparse
import collections
import os
import re
import time

import catchup
from appending import append_paced
from report import percentile, spread, table
from servers import (Broker, OpenTransaction, Others, Postgres, Receipts, Relay, processor, resident, scheduled, used_since,
                     wait_for_quiet, watch_rest)

PARTS = ["latency", "locks", "processes", "catchup", "rest", "held", "halt"]
ROLE = "relay"  # of the relay's sessions, so that their statements are told from the writers'
FEW = 1000  # events that are there and carried before anything is measured
SPREAD = 10  # contexts below one consumer without a scope
CONNECTIONS = 400  # that PostgreSQL lets in; the room for locks grows with it

# How the relay runs in a measurement: consumers; whether a lone one has a scope; processes; foreign locks held; what the
# last consumer does, `halted` or `paused`; whether the last consumer's events are left out of the latencies.
Way = collections.namedtuple("Way", "name consumers scoped processes locks last without_last",
                             defaults=[False, 1, 0, "flows", False])


def contexts_of(way):
    count = SPREAD if is_single(way) else way.consumers
    return [f"Context{number:03}" for number in range(count)]


def is_single(way):
    """Whether it is one consumer over everything."""
    return way.consumers == 1 and not way.scoped


def consumers_named(counts, scoped):
    ways = [Way("1 consumer" if count == 1 else f"{count} consumers", count) for count in counts]
    return ways[:1] + [Way("1 consumer, scoped", 1, scoped=True)] * scoped + ways[1:]


class Cluster:
    """PostgreSQL with the relay's role, the schema and the trigger."""

    def __init__(self, locks=0):
        self.postgres = Postgres(max_connections=CONNECTIONS,
                                 max_locks_per_transaction=max(64, 2 * locks // CONNECTIONS))
        self.postgres.sql(f"CREATE ROLE {ROLE} LOGIN")
        self.postgres.migrate("--grants", ROLE)
        self.settings = {"GODWIT_DATABASE_URL": self.postgres.url.replace("user=postgres", f"user={ROLE}")}

    def relay(self, broker, way, notify="auto"):
        return Relay(self.postgres, broker, single=is_single(way), notify=notify, settings=self.settings,
                     contexts=contexts_of(way))

    def backends(self):
        """The server's processes for the relay, by what they call themselves."""
        return [int(pid) for pid, in self.postgres.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'godwit%'")]

    def wait_for_shares(self, count, limit=60):
        """Until so many processes own segments of each consumer; not for ever."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            owners = self.postgres.sql("SELECT count(DISTINCT owner_id) FROM consumer_segments GROUP BY consumer_name")
            if owners and all(int(number) == count for number, in owners):
                return
            time.sleep(0.25)
        print(f"    after {limit} s not every consumer is shared by {count} processes")


def looks(statements):
    """Looks at how far the log is settled: each asks the sequence and who writes, in one statement or in two."""
    count = lambda matches: sum(calls for calls, _, query in statements if matches(query))
    return max(count(lambda query: "last_value" in query),
               count(lambda query: "pg_locks" in query and not re.search(r"consumer_workers|jobs", query)))


def ends(statements):
    """Questions for the highest position that is visible."""
    return sum(calls for calls, _, query in statements if "max(global_position)" in query)


def is_read(query):
    return query.startswith(("SELECT", "WITH")) and re.search(r"payload.* FROM .*events", query) is not None


def show(statements, per, unit, count=5):
    for calls, _, query in statements[:count]:
        print(f"      {calls / per:8.3f} {unit}  {query[:120]}", flush=True)


def live(cluster, way, rate, given):
    """Events at a rate: from commit to receipt, and what that takes."""
    postgres, contexts = cluster.postgres, contexts_of(way)
    postgres.begin_anew(FEW, contexts)
    # No record fits into the topic of a consumer that shall halt.
    broker = Broker(contexts, partitions=1, largest={contexts[-1]: 100} if way.last == "halted" else {})
    relays = [cluster.relay(broker, way) for _ in range(way.processes)]
    receipts = Receipts(broker, *contexts, group="bench")
    expected = FEW - (FEW // len(contexts) if way.last == "halted" else 0)
    end = time.monotonic() + given.patience
    while receipts.lines < expected:
        if time.monotonic() > end or not all([relay.is_alive() for relay in relays]):
            raise SystemExit(f"{way.name}: only {receipts.lines} of the first {expected} events came")
        time.sleep(0.1)
    if way.processes > 1:
        cluster.wait_for_shares(way.processes)
    if way.last == "paused":
        relays[0].command("pause", contexts[-1].lower())
    locks = OpenTransaction(postgres, f"SELECT count(pg_advisory_xact_lock(i)) FROM generate_series(1, {way.locks}) AS i") \
        if way.locks else None
    time.sleep(2)
    wait_for_quiet()

    context = f"'Context' || lpad((:n::int % {len(contexts)})::text, 3, '0')"
    backends = {pid: scheduled(pid) for pid in cluster.backends()}
    used = lambda: [postgres.processor(), sum(processor(relay.pid) for relay in relays), broker.processor(),
                    receipts.processor()]
    postgres.sql("SELECT pg_stat_statements_reset()")
    others, before, children = Others(), used(), os.times()
    appends = append_paced(postgres, "never", rate, count=min(given.events, rate * given.seconds), writers=given.writers,
                           context=context)
    count = len(appends)
    # The last transaction of each number is the last context's.
    is_last = lambda append: append.number % len(contexts) == len(contexts) - 1
    wanted = appends
    if way.without_last or way.last != "flows":
        wanted = [append for append in appends if not is_last(append)]
    receipts.wait_for([append.key for append in wanted], given.patience)
    after, writers = used(), os.times()
    writers = writers.children_user + writers.children_system - children.children_user - children.children_system
    database, own, kafka, reader = (now - then for now, then in zip(after, before))
    load = others.share(database + own + kafka + reader + writers)
    sessions = sum(used_since(then, scheduled(pid)) for pid, then in backends.items() if os.path.exists(f"/proc/{pid}"))
    statements = postgres.statements(ROLE)
    figures = {
        "database": database / count * 1e6, "sessions": sessions / count * 1e6, "own": own / count * 1e6,
        "statements": sum(calls for calls, _, _ in statements) / count,
        "looks": looks(statements) / count, "ends": ends(statements) / count,
        "reads": sum(calls for calls, _, query in statements if is_read(query)) / count,
        "rows": sum(rows for _, rows, query in statements if is_read(query)) / count,
        "connections": len(cluster.backends()), "others": load * 100,
        "threads": sum(len(os.listdir(f"/proc/{relay.pid}/task")) for relay in relays),
        "descriptors": sum(len(os.listdir(f"/proc/{relay.pid}/fd")) for relay in relays),
        "peak": sum(resident(relay.pid) for relay in relays),
        "resident": sum(resident(relay.pid, "VmRSS") for relay in relays),
    }
    is_halted = postgres.sql("SELECT count(*) > 0 FROM godwit.dead_letters WHERE state = 'halted'") == [["t"]]
    if is_halted != (way.last == "halted"):
        raise SystemExit(f"{way.name}: {'a' if is_halted else 'no'} consumer is halted")
    if way.last != "flows" and any(append.key in receipts.at for append in appends if is_last(append)):
        raise SystemExit(f"{way.name}: events of the last consumer came")
    for relay in relays:
        relay.is_alive()
        relay.stop()
    receipts.stop()
    broker.stop()
    if locks:
        locks.stop()
    delays = [(receipts.at[append.key] - append.at) * 1000 for append in wanted if append.key in receipts.at]
    if not delays:
        raise SystemExit(f"{way.name}: nothing came")
    figures |= {"p50": percentile(delays, 0.5), "p99": percentile(delays, 0.99), "max": max(delays)}
    missing = len(wanted) - len(delays)
    print(f"    {way.name}, {rate:,}/s: p50 {figures['p50']:.1f} ms, p99 {figures['p99']:.1f} ms, max {figures['max']:.1f} "
          f"ms; µs/event: PostgreSQL {figures['database']:.0f}, relay {figures['own']:.0f}; per append "
          f"{figures['statements']:.2f} statements, {figures['looks']:.2f} looks, {figures['reads']:.2f} reads; "
          f"{len(delays):,} events{f', {missing:,} missing' if missing else ''}; others {load * 100:.0f}%", flush=True)
    if given.verbose:
        show(statements, count, "per append")
    return figures


def compare_live(title, cluster, ways, rates, given):
    """Rounds of all ways at all rates; their tables."""
    results = {(rate, way.name): [] for rate in rates for way in ways}
    rounds = given.rounds
    for number in range(rounds):
        print(f"{title}: round {number + 1} of {rounds}", flush=True)
        for rate in rates:
            for way in ways:
                results[rate, way.name].append(live(cluster, way, rate, given))
    cluster.postgres.stop()
    times, costs = [], []
    for (rate, name), runs in results.items():
        column = lambda key, form="{:,.0f}": spread([run[key] for run in runs], form)
        base = results[rate, ways[0].name]
        ratios = [run["p99"] / other["p99"] for run, other in zip(runs, base)]
        label = f"{rate:,}/s, {name}"
        times.append([label, column("p50", "{:,.1f}"), column("p99", "{:,.1f}"), column("max", "{:,.1f}"),
                      "1" if runs is base else spread(ratios, "{:.2f}"), column("others") + "%"])
        costs.append([label, column("database"), column("sessions"), column("own"), column("statements", "{:.2f}"),
                      column("looks", "{:.2f}"), column("ends", "{:.2f}"), column("reads", "{:.2f}"),
                      column("rows", "{:.2f}"), column("connections"), column("threads"), column("descriptors"),
                      column("peak"), column("resident")])
    table(f"{title}: from commit to receipt by kcat, ms; {rounds} rounds, alternating; median (least–most)",
          ["", "p50", "p99", "max", f"p99 to {ways[0].name}", "others' load"], times)
    table(f"{title}: what that takes",
          ["", "PostgreSQL µs/event", "of it the relay's sessions", "relay µs/event", "statements/append", "looks/append",
           "highest position asked/append", "reads/append", "rows read/append", "connections", "threads", "descriptors",
           "peak MB", "resident MB"], costs)


def latency(given):
    compare_live("Consumers", Cluster(), consumers_named(given.consumers, given.scoped), given.rates, given)


def locks(given):
    ways = [Way("10 consumers", 10), Way(f"10 consumers, {given.locks:,} foreign locks", 10, locks=given.locks)]
    compare_live("Foreign locks", Cluster(given.locks), ways, given.rates, given)


def processes(given):
    ways = [Way("one process", 10), Way("three processes", 10, processes=3)]
    compare_live("Ten consumers by processes", Cluster(), ways, given.rates, given)


def halt(given):
    ways = [Way("all ten flow", 10, without_last=True), Way("the tenth halted", 10, last="halted"),
            Way("the tenth paused", 10, last="paused")]
    compare_live("Nine of ten consumers", Cluster(), ways, [max(given.rates)], given)


def catch_up(given):
    clusters, results = {}, {}
    ways = consumers_named(given.consumers, given.scoped)
    for way in ways:
        count = len(contexts_of(way))
        if count not in clusters:
            clusters[count] = Cluster()
            clusters[count].postgres.fill(given.backlog, contexts=contexts_of(way))
    rounds = given.rounds
    for number in range(rounds):
        for way in ways:
            contexts = contexts_of(way)
            cluster = clusters[len(contexts)]
            cluster.postgres.sql("SELECT pg_stat_statements_reset()")
            run = catchup.relay(cluster.postgres, given.backlog, is_single(way), settings=cluster.settings,
                                contexts=contexts, partitions=1)
            statements = cluster.postgres.statements(ROLE)
            run["statements"] = sum(calls for calls, _, _ in statements) / given.backlog * 1000
            run["rows"] = sum(rows for _, rows, query in statements if is_read(query)) / given.backlog
            results.setdefault(way.name, []).append(run)
            print(f"catching up, round {number + 1}: {way.name}: {given.backlog / run['took']:,.0f}/s, processor seconds: "
                  f"relay {run['own']:.2f}, PostgreSQL {run['database']:.2f}, broker {run['broker']:.2f}; others "
                  f"{run['others'] * 100:.0f}%", flush=True)
            if given.verbose:
                show(statements, given.backlog / 1000, "per 1,000 events")
    for cluster in clusters.values():
        cluster.postgres.stop()
    base, rows = results[ways[0].name], []
    for name, runs in results.items():
        per = lambda key: spread([run[key] / given.backlog * 1e6 for run in runs], "{:.1f}")
        ratio = lambda key: "1" if runs is base else spread([o[key] / r[key] for r, o in zip(runs, base)], "{:.2f}")
        rows.append([name, spread([given.backlog / run["took"] for run in runs]), ratio("took"), per("processor"),
                     ratio("processor"), per("own"), per("database"), per("broker"),
                     spread([run["statements"] for run in runs], "{:.1f}"), spread([run["rows"] for run in runs], "{:.2f}"),
                     spread([run["first"] * 1000 for run in runs]), spread([run["peak"] for run in runs]),
                     spread([run["others"] * 100 for run in runs]) + "%"])
    table(f"Catching up {given.backlog:,} events of 500 bytes, {rounds} rounds, alternating; median (least–most)",
          ["", "events/s", "ratio", "processor µs/event", "its ratio", "relay", "PostgreSQL", "broker",
           "statements/1,000 events", "rows read/event", "first record ms", "peak MB", "others' load"], rows)


def rest(given):
    rows = []
    for way in consumers_named(given.at_rest, given.scoped):
        cluster = Cluster()
        cluster.postgres.fill(FEW, contexts=contexts_of(way))
        broker = Broker(contexts_of(way), partitions=1)
        relay = cluster.relay(broker, way)
        broker.wait_for(FEW, relay.started, alive=relay.is_alive)
        time.sleep(given.settle)
        connections = len(cluster.backends())
        own, database, memory, statements, load = watch_rest(cluster.postgres, relay, given.rest_seconds, ROLE)
        threads = len(os.listdir(f"/proc/{relay.pid}/task"))
        relay.stop()
        broker.stop()
        cluster.postgres.stop()
        calls = sum(count for count, _ in statements)
        print(f"at rest, {way.name}: {calls:,.0f} statements/min, relay {own * 100:.2f}% of a core, PostgreSQL "
              f"{database * 100:.2f}%; others {load * 100:.0f}%", flush=True)
        if given.verbose:
            show([(count, 0, query) for count, query in statements], 1, "a minute")
        rows.append([way.name, f"{calls:,.0f}", f"{own * 100:.2f}%", f"{database * 100:.2f}%", connections, threads,
                     f"{memory:.0f}", f"{load * 100:.0f}%"])
    table(f"At rest, over {given.rest_seconds} s", ["", "statements/minute", "relay (of one core)", "PostgreSQL",
                                                    "connections", "threads", "resident MB", "others' load"], rows)


def held(given):
    results = {}
    cluster = Cluster()
    postgres = cluster.postgres
    for _ in range(given.rounds):
        for way in consumers_named(given.held, given.scoped):
            contexts = contexts_of(way)
            postgres.begin_anew(FEW, contexts)
            broker = Broker(contexts, partitions=1)
            relay = cluster.relay(broker, way)
            broker.wait_for(FEW, relay.started, alive=relay.is_alive)
            transaction = OpenTransaction(postgres, f"""
                INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type,
                    payload) VALUES ('{contexts[0]}', 'Thing', 'held', 1, gen_random_uuid(), 'ThingHappened', 'x')""")
            postgres.fill(given.behind, first=FEW + 1, contexts=contexts)
            time.sleep(3)
            wait_for_quiet()
            postgres.sql("SELECT pg_stat_statements_reset()")
            others, database, own, started = Others(), postgres.processor(), processor(relay.pid), time.monotonic()
            time.sleep(given.held_seconds)
            took = time.monotonic() - started
            database, own = postgres.processor() - database, processor(relay.pid) - own
            statements = postgres.statements(ROLE)
            figures = {
                "share": (database + own) / took * 100, "own": own / took * 100, "database": database / took * 100,
                "rows": sum(rows for _, rows, _ in statements) / took,
                "statements": sum(calls for calls, _, _ in statements) / took, "others": others.share(database + own) * 100,
            }
            # Nothing that it held back may have come, and all of it must once it does not.
            early = broker.records() - FEW
            transaction.stop()
            released = time.monotonic()
            broker.wait_for(FEW + given.behind, released, limit=given.patience, alive=relay.is_alive)
            figures["after"] = (time.monotonic() - released) * 1000
            relay.stop()
            broker.stop()
            if early:
                raise SystemExit(f"{early} events passed the open transaction")
            results.setdefault(way.name, []).append(figures)
            print(f"held, {way.name}: {figures['share']:.1f}% of a core (PostgreSQL {figures['database']:.1f}, relay "
                  f"{figures['own']:.1f}), {figures['rows']:,.0f} rows/s, {figures['statements']:.1f} statements/s; "
                  f"others {figures['others']:.0f}%", flush=True)
            if given.verbose:
                show(statements, took, "a second")
    postgres.stop()
    rows = []
    for name, runs in results.items():
        column = lambda key, form="{:,.0f}": spread([run[key] for run in runs], form)
        rows.append([name, column("share", "{:.1f}") + "%", column("database", "{:.1f}") + "%",
                     column("own", "{:.1f}") + "%", column("rows"), column("statements", "{:.1f}"), column("after"),
                     column("others") + "%"])
    table(f"An open transaction with one event before {given.behind:,}, over {given.held_seconds} s, {given.rounds} "
          "rounds; median (least–most)", ["", "processor (of one core)", "PostgreSQL", "relay", "rows/s", "statements/s",
                                  "to the last record once it ends, ms", "others' load"], rows)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = lambda name, default, text, **more: arguments.add_argument(name, type=int, default=default, help=text, **more)
    arguments.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    add("--consumers", [1, 3, 10, 100], "in latency and catchup; others are compared to the first", nargs="+")
    add("--rates", [50, 200, 1000], "events a second over all contexts; halt takes the highest", nargs="+")
    add("--rounds", 7, "of all parts but rest")
    add("--events", 20_000, "appended in a run of latency, locks, processes and halt, at most")
    add("--seconds", 20, "of appending in such a run, at most")
    add("--writers", 0, "that append in it; 0 for 1 up to 100 events a second and 4 above")
    add("--patience", 60, "seconds to wait for what has been appended")
    add("--locks", 10_000, "that the session beside the relay holds")
    add("--backlog", 200_000, "events to catch up")
    add("--at-rest", [1, 100], "consumers in rest", nargs="+")
    add("--rest-seconds", 60, "of watching the relay at rest")
    add("--settle", 25, "seconds before it, past what the start took")
    add("--held", [1, 5], "consumers in held", nargs="+")
    add("--held-seconds", 10, "of watching while the transaction is open")
    add("--behind", 20_000, "events behind the open transaction")
    arguments.add_argument("--scoped", action="store_true", help="one consumer with a scope, too, where there are several")
    arguments.add_argument("--verbose", action="store_true", help="the most frequent statements of each run")
    given = arguments.parse_args()
    parts = {"latency": latency, "locks": locks, "processes": processes, "catchup": catch_up, "rest": rest, "held": held,
             "halt": halt}
    for part in given.parts:
        parts[part](given)


if __name__ == "__main__":
    main()
