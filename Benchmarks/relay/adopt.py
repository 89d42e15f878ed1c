"""A Debezium outbox with many rows adopted online, beside inserts at a rate.

How long `godwit adopt --apply --online` took, the slowest inserts meanwhile, the longest time for which it held a lock that keeps
INSERT waiting (seen by a watcher of pg_locks, every 2 ms), and whether the positions are right: old rows first, in the order of their times.
"""

import argparse
import glob
import os
import subprocess
import threading
import time

from appending import pgbench
from report import percentile, table
from servers import GODWIT, Postgres, at_end, end_with_parent, wait_for_quiet

TABLE = """
CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype varchar(255) NOT NULL,
    aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL, payload jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp());
INSERT INTO outbox (aggregatetype, aggregateid, type, payload, created_at)
SELECT 'Order', 'o-' || n % 10000, 'OrderPlaced', jsonb_build_object('n', n, 'text', repeat('x', 300)),
    '2024-01-01'::timestamptz + (n::bigint * 7919 % {rows}) * interval '1 s'
FROM generate_series(1, {rows}) AS n;
ANALYZE outbox;
"""
INSERT = """\\set n :n + 1
INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
VALUES ('Order', 'o-' || :n % 10000, 'OrderPlaced', '{"text": "new"}');
""".replace("\nVALUES", " VALUES")
# Modes that conflict with the RowExclusiveLock of INSERT.
BLOCKING = ("SELECT pid FROM pg_locks WHERE relation = 'outbox'::regclass AND granted AND mode IN "
            "('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') LIMIT 1;")


def watch(postgres, over, found):
    """The longest time for which each look in a row saw such a lock, in seconds; a look takes some ms."""
    process = subprocess.Popen(["psql", "-X", "-q", "-A", "-t"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env=postgres.environment, preexec_fn=end_with_parent(9))
    since, looks = None, 0
    while not over.is_set():
        process.stdin.write(BLOCKING + "\nSELECT 'end';\n")
        process.stdin.flush()
        locked = False
        while (line := process.stdout.readline().strip()) != "end":
            locked = bool(line) or locked
        now, looks = time.monotonic(), looks + 1
        if locked:
            since = since or now
            found["longest"] = max(found.get("longest", 0), now - since)
        else:
            since = None
        time.sleep(0.002)
    found["looks"] = looks
    process.kill()
    process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--rate", type=int, default=200)
    given = arguments.parse_args()
    postgres = Postgres(autovacuum="on")
    postgres.sql(TABLE.format(rows=given.rows))
    postgres.sql("CHECKPOINT")
    script = os.path.join(postgres.folder, "insert.sql")
    with open(script, "w") as file:
        file.write(INSERT)
    environment = dict(os.environ, GODWIT_DATABASE_URL=postgres.url)
    subprocess.run([GODWIT, "migrate"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_quiet()
    results = []
    for name in ("inserts alone", "beside adopt"):
        writer = pgbench(postgres, script, "-c", "4", "-T", "3600" if name != "inserts alone" else "10", "-R", str(given.rate),
                         "-D", "n=0", "-l", f"--log-prefix={postgres.folder}/inserts")
        at_end(writer.kill)
        took, found, over = 0, {}, threading.Event()
        if name == "inserts alone":
            writer.wait()
        else:
            watcher = threading.Thread(target=watch, args=(postgres, over, found))
            watcher.start()
            time.sleep(2)
            began = time.monotonic()
            done = subprocess.run([GODWIT, "adopt", "public.outbox", "--apply", "--online"], env=environment)
            took = time.monotonic() - began
            time.sleep(1)
            writer.terminate()
            writer.wait()
            over.set()
            watcher.join()
            if done.returncode:
                raise SystemExit(f"adopt ends with {done.returncode}")
        # Microseconds that the transaction took, and how late it began.
        times = [sum(int(line.split()[place]) for place in (2, 6)) / 1000 if len(line.split()) > 6 else int(line.split()[2]) / 1000
                 for path in glob.glob(f"{postgres.folder}/inserts*") for line in open(path)]
        for path in glob.glob(f"{postgres.folder}/inserts*"):
            os.remove(path)
        results.append([name, f"{took:.0f}" if took else "", len(times), f"{percentile(times, 0.5):.1f}",
                        f"{percentile(times, 0.99):.1f}", f"{max(times):.0f}",
                        f"{found['longest'] * 1000:.0f}" if found.get("longest") else ("0" if found else "")])
    wrong = postgres.sql(f"""
        SELECT count(*) FROM (SELECT payload ? 'n' AS old, created_at, godwit_position,
            lag(created_at) OVER w AS before, lag(payload ? 'n') OVER w AS was_old
            FROM outbox WINDOW w AS (ORDER BY godwit_position)) AS rows
        WHERE (old AND was_old AND created_at < before) OR (old AND NOT was_old)""")[0][0]
    missing = postgres.sql("SELECT count(*) FROM outbox WHERE godwit_position IS NULL")[0][0]
    table(f"A Debezium outbox of {given.rows:,} rows adopted online beside {given.rate} inserts a second",
          ["", "took s", "inserts", "p50 ms", "p99 ms", "slowest ms", "longest lock ms"], results)
    print(f"rows out of order: {wrong}; without a position: {missing}")


if __name__ == "__main__":
    main()
