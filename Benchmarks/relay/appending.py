"""Appends by pgbench, with the statement that `EventStore.append` sends (its `any` form), one event of 500 bytes each."""

import os
import subprocess

CHANNEL = "pupsourcing_events"

NOTIFY = {
    "never": "NULL",
    "always": f"CASE WHEN count(*) > 0 THEN pg_notify('{CHANNEL}', max(global_position)::text) END",
    "adaptive": f"""CASE WHEN count(*) > 0 AND EXISTS (
        SELECT FROM "godwit"."notify_requests" WHERE channel = '{CHANNEL}' AND expires_at > now())
        THEN pg_notify('{CHANNEL}', max(global_position)::text) END""",
}


def statement(notify, aggregate):
    """The append to an aggregate, which is an SQL expression."""
    key = f"bounded_context = 'Identity' AND aggregate_type = 'Thing' AND aggregate_id = {aggregate}"
    one = "ARRAY[gen_random_uuid()]::uuid[]"
    return f"""WITH head AS (
        INSERT INTO "public"."aggregate_heads" AS head
            (bounded_context, aggregate_type, aggregate_id, aggregate_version, updated_at)
        VALUES ('Identity', 'Thing', {aggregate}, cardinality(ARRAY[1]), now())
        ON CONFLICT (bounded_context, aggregate_type, aggregate_id) DO UPDATE
        SET aggregate_version = head.aggregate_version + cardinality(ARRAY[1]), updated_at = now()
        RETURNING aggregate_version
    ), appended AS (
        INSERT INTO "public"."events" (
            bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type,
            event_version, payload, trace_id, correlation_id, causation_id, metadata, created_at)
        SELECT 'Identity', 'Thing', {aggregate}, head.aggregate_version - 1 + e.ordinal, e.id, e.type, e.version,
            e.payload, nullif(e.trace, ''), nullif(e.correlation, ''), nullif(e.causation, ''), e.metadata::jsonb,
            coalesce(e.created_at, now())
        FROM head CROSS JOIN unnest({one}, ARRAY['ThingHappened'], ARRAY[1],
            ARRAY[decode(repeat('61', 500), 'hex')], ARRAY[''], ARRAY[''], ARRAY[''], ARRAY[NULL]::text[],
            ARRAY[NULL]::timestamptz[]) WITH ORDINALITY
            AS e (id, type, version, payload, trace, correlation, causation, metadata, created_at, ordinal)
        ORDER BY e.ordinal
        RETURNING global_position, aggregate_version
    )
    SELECT array_agg(global_position ORDER BY aggregate_version), min(aggregate_version),
        (SELECT aggregate_version FROM "public"."aggregate_heads" WHERE {key}),
        {NOTIFY[notify]}
    FROM appended;
"""


def one_line(text):
    return " ".join(text.split()) + "\n"


# Many aggregates, so that writers seldom wait for each other.
BUSY = "\\set a random(1, 100000)\nBEGIN;\n{append}COMMIT;\n"
# Each append tells which transaction of which client it was.
PACED = "\\set n :n + 1\nBEGIN;\n{append}COMMIT;\n"


def busy_script(postgres, notify):
    return _write(postgres, f"busy-{notify}.sql", BUSY, statement(notify, "'aggregate-' || :a::text"))


def paced_script(postgres, notify):
    return _write(postgres, f"paced-{notify}.sql", PACED,
                  statement(notify, "'writer-' || :client_id::text || '-' || :n::text"))


def _write(postgres, name, form, append):
    path = os.path.join(postgres.folder, name)
    with open(path, "w") as script:
        script.write(form.format(append=one_line(append)))
    return path


def pgbench(postgres, script, *arguments, **options):
    return subprocess.Popen(
        [f"{postgres.bin}/pgbench", "-n", "-M", "prepared", "-f", script, *arguments], env=postgres.environment,
        cwd=options.pop("cwd", None), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
