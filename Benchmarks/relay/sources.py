"""Several sources in one process: three schemas in two databases (of two servers), four consumers of each.

From commit to receipt for each source, the sessions at each server, and what the others notice when one server is stopped. Beside it, one
source with twelve consumers, under the same load.
"""

import argparse
import glob
import json
import os
import subprocess
import tempfile
import time

from appending import pgbench
from report import percentile, table
from servers import GODWIT, Broker, Postgres, Receipts, Relay, resident

CONSUMERS = 4


def configuration(folder, broker, sources):
    """`sources` are (name, server, schema), and consumers of each."""
    lines = ["sources:"]
    for name, server, schema, _ in sources:
        own = "godwit" if schema == "public" else f"godwit_{schema}"
        lines.append(f'  {name}: {{ database: {{ url: "{server.url}", schema: {schema}, godwit_schema: {own} }} }}')
    lines += [f'kafka: {{ bootstrap_servers: "{broker.address}" }}', "log: { level: warning }", "consumers:"]
    for name, _, _, count in sources:
        lines += [f"  {name}{number}: {{ topic: {name}{number}, source: {name} }}" for number in range(count)]
    path = os.path.join(folder, "godwit.yaml")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def append(server, schema, prefix, rate):
    """Begins to append at a rate for as long as it is let."""
    script = os.path.join(server.folder, f"{prefix}.sql")
    with open(script, "w") as file:
        file.write(f"""\\set n :n + 1
            INSERT INTO {schema}.events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type,
                payload) VALUES ('Identity', 'Thing', '{prefix}-' || :client_id::text || '-' || :n::text, 1,
                gen_random_uuid(), 'ThingHappened', decode(repeat('61', 500), 'hex'));
            """.replace("\n            INSERT", "\nINSERT").replace("\n                ", " "))
    return lambda seconds: pgbench(
        server, script, "-c", "1", "-T", str(seconds), "-R", str(rate), "-D", "n=0", "-l",
        f"--log-prefix={server.folder}/{prefix}-log")


def delays(server, prefix, receipts):
    """Milliseconds from each commit to its receipt."""
    found = []
    for name in glob.glob(f"{server.folder}/{prefix}-log*"):
        lines = [[int(field) for field in line.split()[:6]] for line in open(name)]
        shift = 1 - min(line[1] for line in lines)
        for client, number, _, _, second, micro in lines:
            at = receipts.at.get(f"{prefix}-{client}-{number + shift}")
            if at is not None:
                found.append((at - second - micro / 1e6) * 1000)
        os.remove(name)
    return found


def measure(broker, sources, rate, seconds, title, rows, stopping=None):
    folder = tempfile.mkdtemp(prefix="godwit-bench-sources-")
    path = configuration(folder, broker, sources)
    environment = dict(os.environ, GODWIT_CONFIG=path)
    done = subprocess.run([GODWIT, "migrate", "--notify-trigger", "install"], env=environment, stdout=subprocess.DEVNULL)
    if done.returncode and not stopping:
        raise SystemExit("migrate fails")
    if stopping:
        stopping.stop()
    relay = Relay(sources[0][1], broker, settings={"GODWIT_CONFIG": path, "GODWIT_NOTIFY_MODE": "adaptive"}, contexts=[])
    running = [source for source in sources if source[1] is not stopping]
    receipts = [Receipts(broker, f"{name}{count - 1}") for name, _, _, count in running]
    time.sleep(4)
    prefixes = [f"{name}{time.time_ns()}" for name, *_ in running]
    writers = [append(server, schema, prefix, rate)(seconds)
               for (_, server, schema, _), prefix in zip(running, prefixes)]
    time.sleep(seconds / 2)
    sessions = {server.folder: server.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'godwit%'")
                [0][0] for _, server, _, _ in running}
    for writer in writers:
        _, problem = writer.communicate()
        if writer.returncode:
            raise SystemExit(problem)
    time.sleep(1)
    relay.is_alive()
    for (name, server, _, _), prefix, own in zip(running, prefixes, receipts):
        found = delays(server, prefix, own)
        rows.append([f"{title}: {name}", len(found), f"{percentile(found, 0.5):.1f}", f"{percentile(found, 0.99):.1f}"])
        own.stop()
    print(json.dumps({title: {"sessions": list(sessions.values()), "memory_mb": round(resident(relay.pid, "VmRSS"))}}),
          flush=True)
    relay.stop()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--rate", type=int, default=100, help="appends a second to each source")
    given = arguments.parse_args()
    first, second = Postgres(), Postgres()
    first.sql("CREATE SCHEMA other")
    names = ["a", "b", "c", "one"]
    broker = Broker(topics=[f"{name}{number}" for name in names for number in range(3 * CONSUMERS)])
    rows = []
    three = [("a", first, "public", CONSUMERS), ("b", first, "other", CONSUMERS), ("c", second, "public", CONSUMERS)]
    measure(broker, [("one", first, "public", 3 * CONSUMERS)], 3 * given.rate, given.seconds, "one source", rows)
    measure(broker, three, given.rate, given.seconds, "three sources", rows)
    measure(broker, three, given.rate, given.seconds, "one server stopped", rows, stopping=second)
    table(f"From commit to receipt, ms; {given.rate}/s to each source", ["", "events", "p50", "p99"], rows)


if __name__ == "__main__":
    main()
