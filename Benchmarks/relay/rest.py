"""A relay at rest: statements, processor, memory."""

import argparse
import time

from report import table
from servers import Broker, Postgres, Relay, watch_rest


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--settle", type=int, default=25)
    given = arguments.parse_args()
    rows = []
    for notify, single in (("always", True), ("adaptive", True), ("adaptive", False), ("never", True)):
        postgres = Postgres()
        postgres.migrate()
        postgres.fill(100)
        broker = Broker()
        run = Relay(postgres, broker, single=single, notify=notify)
        broker.wait_for(100, run.started, alive=run.is_alive)
        time.sleep(given.settle)  # past the first heartbeats, and past the giving back of what the start took
        share, _, memory, statements, load = watch_rest(postgres, run, given.seconds)
        run.stop()
        broker.stop()
        postgres.stop()
        calls = sum(count for count, _ in statements)
        name = f"notify {notify}, {'1 consumer' if single else '3 consumers'}"
        rows.append([name, f"{calls:.0f}", f"{share * 100:.2f}%", f"{memory:.1f}", f"{load * 100:.0f}%"])
        print(f"{name}: {calls:.0f} statements/min, {share * 100:.3f}% of a core, {memory:.1f} MB", flush=True)
        for count, query in statements:
            print(f"    {count:6.1f}/min  {query[:110]}", flush=True)
    table(f"At rest, over {given.seconds} s",
          ["", "statements/minute", "processor (of one core)", "resident MB", "others' load"], rows)


if __name__ == "__main__":
    main()
