"""Writes with the Python library eventsourcing, as an application does, until SIGTERM.

Arguments: the database's URL, the schema. It prints the table's name, and at the end how many events were saved.
"""

import os
import random
import signal
import sys
import threading

from psycopg.conninfo import conninfo_to_dict

conninfo = conninfo_to_dict(sys.argv[1])
os.environ.update(
    PERSISTENCE_MODULE="eventsourcing.postgres",
    POSTGRES_DBNAME=conninfo.get("dbname", "postgres"),
    POSTGRES_HOST=conninfo.get("host", "127.0.0.1"),
    POSTGRES_PORT=str(conninfo.get("port", "5432")),
    POSTGRES_USER=conninfo.get("user", "postgres"),
    POSTGRES_PASSWORD=conninfo.get("password", "none"),
    POSTGRES_SCHEMA=sys.argv[2],
    POSTGRES_POOL_SIZE="8",
)

from eventsourcing.application import Application  # noqa: E402
from eventsourcing.domain import Aggregate, event  # noqa: E402
from eventsourcing.persistence import IntegrityError, PersistenceError  # noqa: E402


class Counter(Aggregate):
    @event("Started")
    def __init__(self) -> None:
        self.total = 0

    @event("Incremented")
    def increment(self, by: int) -> None:
        self.total += by


class Counters(Application):
    pass


app = Counters()
shared = Counter()
app.save(shared)
saved = [1]
lock = threading.Lock()
is_done = threading.Event()
print("counters_events", flush=True)


def work(seed: int) -> None:
    chance = random.Random(seed)
    own = Counter()
    app.save(own)
    count = 1
    while not is_done.is_set():
        events = chance.randint(1, 3)
        # The shared one is saved by all, so that some saves are refused and rolled back.
        try:
            target = app.repository.get(shared.id) if chance.random() < 0.3 else own
            for _ in range(events):
                target.increment(1)
            app.save(target)
            count += events
        except IntegrityError:
            pass
        except PersistenceError as error:
            # A prepared SELECT * does not know the new column, until its connection is closed.
            print(type(error).__name__, error, file=sys.stderr, flush=True)
            own = Counter()
            app.save(own)
            count += 1
        is_done.wait(0.002)
    with lock:
        saved[0] += count


threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
for thread in threads:
    thread.start()
# A process that was started by a thread of a dispatch queue has all signals blocked.
signal.pthread_sigmask(signal.SIG_SETMASK, [])
signal.signal(signal.SIGTERM, lambda *_: is_done.set())
# A signal that another thread gets is seen between two waits.
while not is_done.wait(0.1):
    pass
for thread in threads:
    thread.join()
print(saved[0], flush=True)
