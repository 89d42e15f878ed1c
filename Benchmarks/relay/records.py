"""What each way to shape records costs, in own processor time an event while catching up, against records without it."""

import argparse
import json
import os
import tempfile

from report import spread, table
from servers import Broker, Postgres, Relay, processor, resident, wait_for_quiet

# 500 bytes, as the payloads of the other benchmarks; and metadata as a service with tracing has it.
PAYLOAD = json.dumps({
    "customer": {"id": 4711, "name": "Ada Lovelace", "country": "DE", "email": "ada@example.org"},
    "lines": [{"sku": f"SKU-{number}", "quantity": number, "price": "12.50"} for number in range(6)],
    "note": "x" * 120})
METADATA = json.dumps({
    "tenant": "acme", "user": {"id": "u-17"},
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "vendor=1"})

FEATURES = {
    "as it is": "",
    "no trace headers": "trace_headers: none",
    "event_types, all wanted": "event_types: ['Thing*']",
    "where, all wanted": "where: { /customer/country: [DE, AT] }",
    "where_metadata, all wanted": "where_metadata: { /tenant: acme }",
    "key with metadata": "key: '{metadata./tenant}:{aggregate_id}'",
    "partition of metadata": "partition: '{metadata./shard}'",
    "crc32": "partitioner: crc32",
    "a static and a renamed header": "headers: { event_type: type, origin: { value: shop } }",
    "a header by metadata": "metadata_headers: [tenant]",
    "a header by payload": "headers: { country: { payload: /customer/country } }",
    "value: drop": "value: { drop: [/customer/email] }",
    "value: keep": "value: { keep: [/customer/id, /lines] }",
    "value: mask and rename": "value: { mask: [/customer/name], rename: { /note: remark } }",
    "value: hash": "value: { hash: [/customer/email], hash_key: 'a key' }",
    "tombstones": "tombstone_on: [ThingHappened]",
}


def measure(postgres, count, feature, folder):
    postgres.forget_checkpoints()
    broker = Broker()
    wait_for_quiet()
    path = os.path.join(folder, "godwit.yaml")
    with open(path, "w") as file:
        file.write("consumers: { all: { " + FEATURES[feature] + " } }\n")
    run = Relay(postgres, broker, single=True, settings={"GODWIT_CONFIG": path})
    _, took = broker.wait_for(count, run.started, alive=run.is_alive)
    own, peak = processor(run.pid), resident(run.pid)
    run.stop()
    broker.stop()
    return {"took": took / count * 1e6, "own": own / count * 1e6, "peak": peak}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=200_000)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    postgres = Postgres()
    postgres.migrate()
    postgres.fill(given.events)
    metadata = json.loads(METADATA) | {"shard": 1}
    postgres.sql(f"""UPDATE events SET payload = convert_to('{PAYLOAD}', 'UTF8'), metadata = '{json.dumps(metadata)}';
        VACUUM FULL events; ANALYZE events""")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.rounds):
            # Each round has its own yardstick, since the machine is noisy.
            for feature in FEATURES:
                figures = measure(postgres, given.events, feature, folder)
                results.setdefault(feature, []).append(figures)
                print(f"{feature}: {figures['own']:.2f} µs/event, {figures['took']:.2f} µs/event in all", flush=True)
    base = results["as it is"]
    rows = [[
        feature, spread([run["own"] for run in runs], "{:.2f}"),
        spread([run["own"] - other["own"] for run, other in zip(runs, base)], "{:+.2f}"),
        spread([other["took"] / run["took"] for run, other in zip(runs, base)], "{:.2f}"),
        spread([run["peak"] for run in runs], "{:.0f}"),
    ] for feature, runs in results.items()]
    table(f"What shaping records costs, {given.events:,} events, {given.rounds} rounds; median (least–most)",
          ["", "own processor µs/event", "more than as it is", "speed against as it is", "peak MB"], rows)


if __name__ == "__main__":
    main()
