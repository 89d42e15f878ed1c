"""How soon events flow again after a fault, from the instant the other side answers again."""

import argparse
import os
import signal
import socket
import subprocess
import threading
import time

from report import spread, table
from servers import CONTEXTS, Broker, Postgres, Relay, at_end, end_with_parent, free_port

# What the targets allow, in seconds.
TARGETS = {"relay killed": 7, "database restarted": 3, "fail-over": 5, "broker back": 3, "black hole": 15}


class Proxy:
    """A TCP proxy before a Unix socket that can fall silent: sockets stay open, and nothing passes."""

    def __init__(self, path):
        self.path = path
        self.generation = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.path)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink, self.generation), daemon=True).start()

    def _pump(self, source, sink, generation):
        try:
            while data := source.recv(65536):
                while generation < self.generation:
                    time.sleep(1)  # for ever: these connections have fallen silent
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def silence(self):
        """Nothing passes any more on the connections that there are."""
        self.generation += 1


class Flow:
    """Appends an event now and then, and says when one that was appended after an instant has come."""

    def __init__(self, postgres, broker):
        self.postgres, self.broker = postgres, broker
        self.appended = 0

    def append(self, postgres=None):
        (postgres or self.postgres).sql("""
            INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
            SELECT context, 'Thing', gen_random_uuid()::text, 1, gen_random_uuid(), 'ThingHappened', '{}'
            FROM unnest('{%s}'::text[]) AS context""" % ",".join(CONTEXTS))
        self.appended += len(CONTEXTS)

    def wait(self, since, limit=120, count=None):
        """Seconds from an instant until everything that was appended is there."""
        while self.broker.records() < (count or self.appended):
            if time.monotonic() - since > limit:
                return float("inf")
            time.sleep(0.01)
        return time.monotonic() - since


def begin(notify, url=None, **settings):
    """A cluster, a broker, and a relay between the two that has carried its first events."""
    postgres = Postgres(**settings)
    postgres.migrate()
    broker = Broker()
    flow = Flow(postgres, broker)
    return postgres, broker, flow, lambda: carry(flow, start(flow, notify, url and url(postgres)))


def start(flow, notify, url=None):
    return Relay(flow.postgres, flow.broker, notify=notify, settings={"GODWIT_DATABASE_URL": url} if url else {})


def carry(flow, relay):
    flow.append()
    flow.wait(time.monotonic())
    return relay


def relay_killed(notify, _):
    postgres, broker, flow, run = begin(notify)
    first = run()
    second = start(flow, notify)
    time.sleep(15)  # both have their shares
    first.process.kill()
    killed = time.monotonic()
    flow.append()
    took = flow.wait(killed)
    second.stop()
    return took, postgres, broker


def database_restarted(notify, outage):
    postgres, broker, flow, run = begin(notify)
    relay = run()
    time.sleep(3)
    postgres.process.send_signal(signal.SIGQUIT)
    postgres.process.wait()
    time.sleep(outage)
    postgres.process = subprocess.Popen(
        postgres.process.args, stdout=postgres.log, stderr=postgres.log, cwd=postgres.folder,
        preexec_fn=end_with_parent(signal.SIGQUIT), **postgres.owner)
    wait_for_answer(postgres)
    answered = time.monotonic()
    flow.append()
    took = flow.wait(answered)
    relay.stop()
    return took, postgres, broker


def wait_for_answer(server):
    while subprocess.run([f"{server.bin}/pg_isready", "-q"], env=server.environment).returncode:
        time.sleep(0.02)


def fail_over(notify, _):
    standbys = []

    def url(postgres):
        standbys.append(Standby(postgres))
        return (f"host={postgres.folder},{standbys[0].folder} port=5432,5432 user=postgres dbname=postgres "
                "target_session_attrs=read-write")

    postgres, broker, flow, run = begin(notify, url, wal_level="replica", max_wal_senders="4", hot_standby="on")
    relay = run()
    standby = standbys[0]
    standby.catch_up(postgres)
    postgres.process.send_signal(signal.SIGQUIT)
    postgres.process.wait()
    standby.promote()
    answered = time.monotonic()
    flow.append(standby)
    took = flow.wait(answered)
    relay.stop()
    standby.stop()
    return took, postgres, broker


class Standby:
    """A streaming standby of a cluster."""

    def __init__(self, primary):
        self.bin, self.owner = primary.bin, primary.owner
        self.folder = os.path.join(primary.folder, "standby")
        os.mkdir(self.folder)
        if self.owner:
            os.chown(self.folder, self.owner["user"], self.owner["group"])
        self.data = os.path.join(self.folder, "data")
        subprocess.run([f"{self.bin}/pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-h", primary.folder,
                        "-p", "5432", "-U", "postgres"], check=True, cwd=self.folder, **self.owner)
        self.log = open(os.path.join(self.folder, "log"), "w")
        arguments = [f"{self.bin}/postgres", "-D", self.data, *primary.process.args[3:]]
        arguments = [a.replace(f"unix_socket_directories={primary.folder}", f"unix_socket_directories={self.folder}")
                     for a in arguments]
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log, cwd=self.folder,
                                        preexec_fn=end_with_parent(signal.SIGQUIT), **self.owner)
        at_end(self.stop)
        self.environment = dict(primary.environment, PGHOST=self.folder)
        wait_for_answer(self)

    sql = Postgres.sql

    def catch_up(self, primary):
        end = primary.sql("SELECT pg_current_wal_flush_lsn()")[0][0]
        while self.sql(f"SELECT pg_last_wal_replay_lsn() >= '{end}'") != [["t"]]:
            time.sleep(0.05)

    def promote(self):
        self.sql("SELECT pg_promote()")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)


def broker_back(notify, outage):
    postgres, broker, flow, run = begin(notify)
    relay = run()
    broker.stop()
    time.sleep(outage)
    flow.append()
    again = Broker(address=broker.address)
    answered = time.monotonic()
    flow.broker = again
    # The broker begins with nothing: what was appended in the outage is what comes.
    took = flow.wait(answered, count=len(CONTEXTS))
    relay.stop()
    return took, postgres, again


def black_hole(notify, _):
    proxies = []

    def url(postgres):
        proxies.append(Proxy(os.path.join(postgres.folder, ".s.PGSQL.5432")))
        return f"postgres://postgres@127.0.0.1:{proxies[0].port}/postgres"

    postgres, broker, flow, run = begin(notify, url)
    relay = run()
    time.sleep(3)
    proxies[0].silence()
    began = time.monotonic()
    flow.append()
    took = flow.wait(began)
    relay.stop()
    return took, postgres, broker


FAULTS = {"relay killed": relay_killed, "database restarted": database_restarted, "fail-over": fail_over,
          "broker back": broker_back, "black hole": black_hole}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=4)
    arguments.add_argument("--outage", type=float, default=20, help="seconds that a database or broker is away")
    arguments.add_argument("--faults", nargs="+", choices=list(FAULTS), default=list(FAULTS))
    arguments.add_argument("--notify", nargs="+", default=["auto", "never"])
    given = arguments.parse_args()
    rows = []
    for fault in given.faults:
        for notify in given.notify:
            times = []
            for _ in range(given.rounds):
                took, postgres, broker = FAULTS[fault](notify, given.outage)
                broker.stop()
                postgres.stop()
                times.append(took)
                print(f"{fault}, notify {notify}: {took:.2f} s", flush=True)
            rows.append([f"{fault}, notify {notify}", spread(times, "{:.2f}"), f"{max(times):.2f}", f"{TARGETS[fault]}"])
    table(f"From the fault's end to the last of {len(CONTEXTS)} events, one each of as many consumers, in seconds",
          ["", "median", "slowest", "target"], rows)


if __name__ == "__main__":
    main()
