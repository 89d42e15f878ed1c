"""Appends by pgbench, with the statement that `EventStore.append` sends (its `any` form), one event of 500 bytes each."""

import collections
import glob
import os
import signal
import subprocess
import time

from servers import end_with_parent

CHANNEL = "pupsourcing_events"

NOTIFY = {
    "never": "NULL",
    "always": f"CASE WHEN count(*) > 0 THEN pg_notify('{CHANNEL}', max(global_position)::text) END",
    "adaptive": f"""CASE WHEN count(*) > 0 AND EXISTS (
        SELECT FROM "godwit"."notify_requests" WHERE channel = '{CHANNEL}' AND expires_at > now())
        THEN pg_notify('{CHANNEL}', max(global_position)::text) END""",
}


def statement(notify, aggregate, context="'Identity'"):
    """The append to an aggregate; it and its context are SQL expressions."""
    key = f"bounded_context = {context} AND aggregate_type = 'Thing' AND aggregate_id = {aggregate}"
    one = "ARRAY[gen_random_uuid()]::uuid[]"
    return f"""WITH head AS (
        INSERT INTO "public"."aggregate_heads" AS head
            (bounded_context, aggregate_type, aggregate_id, aggregate_version, updated_at)
        VALUES ({context}, 'Thing', {aggregate}, cardinality(ARRAY[1]), now())
        ON CONFLICT (bounded_context, aggregate_type, aggregate_id) DO UPDATE
        SET aggregate_version = head.aggregate_version + cardinality(ARRAY[1]), updated_at = now()
        RETURNING aggregate_version
    ), appended AS (
        INSERT INTO "public"."events" (
            bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type,
            event_version, payload, trace_id, correlation_id, causation_id, metadata, created_at)
        SELECT {context}, 'Thing', {aggregate}, head.aggregate_version - 1 + e.ordinal, e.id, e.type, e.version,
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
# Each append says which transaction of which client it was.
PACED = "\\set n :n + 1\nBEGIN;\n{append}COMMIT;\n"


def busy_script(postgres, notify):
    return _write(postgres, f"busy-{notify}.sql", BUSY, statement(notify, "'aggregate-' || :a::text"))


# An append: its key, which transaction of its client it was, when the commit's answer came, how long it took in ms.
Commit = collections.namedtuple("Commit", "key number at took")


def append_paced(postgres, notify, rate, seconds=0, count=0, writers=0, context="'Identity'"):
    """Appends at a rate, one event to an aggregate of its own each; returns the appends. For so many seconds, or so many
    events, rounded to as many for each writer."""
    writers = writers or (1 if rate <= 100 else 4)
    limit = ["-T", str(seconds)] if seconds else ["-t", str(max(1, count // writers))]
    prefix = f"{notify}{rate}{time.time_ns()}"
    script = _write(postgres, "paced.sql", PACED,
                    statement(notify, f"'{prefix}-' || :client_id::text || '-' || :n::text", context))
    log = os.path.join(postgres.folder, "pgbench_log")
    for old in glob.glob(log + "*"):
        os.remove(old)
    writer = pgbench(postgres, script, "-c", str(writers), *limit, "-R", str(rate), "-D", "n=0", "-l",
                     f"--log-prefix={log}")
    _, problem = writer.communicate()
    if writer.returncode:
        raise SystemExit(problem)
    lines = []
    for name in glob.glob(log + "*"):
        with open(name) as text:
            lines += [[int(field) for field in line.split()] for line in text]
    # The script counts its transactions from 1, pgbench's log from its first number.
    shift = 1 - min(line[1] for line in lines)
    return [Commit(f"{prefix}-{client}-{number + shift}", number + shift, second + micro / 1e6, (took - lag) / 1000)
            for client, number, took, _, second, micro, lag in (line[:7] for line in lines)]


def _write(postgres, name, form, append):
    path = os.path.join(postgres.folder, name)
    with open(path, "w") as script:
        script.write(form.format(append=one_line(append)))
    return path


def pgbench(postgres, script, *arguments, **options):
    return subprocess.Popen(
        [f"{postgres.bin}/pgbench", "-n", "-M", "prepared", "-f", script, *arguments], env=postgres.environment,
        cwd=options.pop("cwd", None), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=end_with_parent(signal.SIGKILL), **options)
