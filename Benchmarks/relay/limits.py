"""Memory where there is much at once: a backlog while the broker is down, large transactions, large payloads."""

import argparse
import time

from report import table
from servers import Broker, Postgres, Relay, resident


def fill(postgres, count, size, transaction, stem):
    """Appends events of one context in transactions of so many."""
    postgres.sql("".join(f"""
        INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
        SELECT 'Identity', 'Thing', '{stem}-' || i % 1000, i / 1000 + 1, gen_random_uuid(), 'ThingHappened',
            convert_to(rpad(md5(i::text), {size}, md5((i + 1)::text)), 'UTF8')
        FROM generate_series({first}, {min(first + transaction, count) - 1}) AS i ORDER BY i;
        """ for first in range(0, count, transaction)))


def reads(postgres):
    """How often events were read with their payloads."""
    return int(postgres.sql("""
        SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
        WHERE query LIKE 'SELECT%payload%FROM%events%' OR query LIKE 'WITH%payload%FROM%events%'""")[0][0])


def wait_for_rest(postgres, run, before):
    """Until the relay has read more often than before, and not again for three seconds."""
    seen, since = before, time.monotonic()
    while seen == before or time.monotonic() - since < 3:
        time.sleep(0.5)
        if not run.is_alive():
            raise SystemExit("the relay has ended")
        now = reads(postgres)
        if now != seen:
            seen, since = now, time.monotonic()


def outage(megabytes, size):
    """A broker that dies under way, a backlog that grows meanwhile, and the way back."""
    postgres = Postgres()
    postgres.migrate()
    fill(postgres, 1000, size, 1000, "first")
    broker = Broker(topics=("Identity",))
    run = Relay(postgres, broker, single=True)
    broker.wait_for(1000, run.started, alive=run.is_alive)
    broker.stop()
    count = megabytes * 1_000_000 // size
    before, filling = reads(postgres), time.monotonic()
    fill(postgres, count, size, 50_000, "backlog")
    wait_for_rest(postgres, run, before)
    down = resident(run.pid)
    print(f"{megabytes} MB of backlog with the broker down ({time.monotonic() - filling:.0f} s): "
          f"peak {down:.0f} MB, then {resident(run.pid, 'VmRSS'):.0f} MB", flush=True)
    again = Broker(topics=("Identity",), address=broker.address)
    started = time.monotonic()
    # It is another broker that knows nothing, so what came before its predecessor's death is not in it.
    again.wait_for(count, started, alive=run.is_alive)
    took = time.monotonic() - started
    peak = resident(run.pid)
    run.stop()
    again.stop()
    postgres.stop()
    return [[f"{megabytes} MB of backlog, broker down", f"{down:.0f}", ""],
            ["then caught up", f"{peak:.0f}", f"{megabytes / took:,.0f}"]]


def burst(name, count, size, transaction):
    """What a relay at rest takes when these come at once."""
    postgres = Postgres()
    postgres.migrate()
    broker = Broker(topics=("Identity",))
    run = Relay(postgres, broker, single=True, notify="always")
    fill(postgres, 1, size, 1, "first")
    broker.wait_for(1, run.started, alive=run.is_alive)
    started = time.monotonic()
    fill(postgres, count, size, transaction, "burst")
    broker.wait_for(count + 1, started, alive=run.is_alive)
    took = time.monotonic() - started
    peak = resident(run.pid)
    run.stop()
    broker.stop()
    postgres.stop()
    print(f"{name}: peak {peak:.0f} MB, {took:.1f} s with the appending", flush=True)
    return [name, f"{peak:.0f}", f"{count * size / 1e6 / took:,.0f}"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=1000)
    arguments.add_argument("--size", type=int, default=2000)
    given = arguments.parse_args()
    rows = outage(given.megabytes, given.size)
    rows.append(burst("20 transactions of 10,000 events of 500 bytes", 200_000, 500, 10_000))
    rows.append(burst("200 events of 900 KB", 200, 900_000, 1))
    table("Memory where there is much at once, one consumer", ["", "peak MB", "MB/s"], rows)


if __name__ == "__main__":
    main()
