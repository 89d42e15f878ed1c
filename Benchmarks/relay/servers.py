"""Throw-away servers and small clients that the benchmarks share. Python's standard library only."""

import atexit
import ctypes
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GODWIT = os.environ.get("GODWIT_BINARY", os.path.join(ROOT, ".build/release/godwit"))
CONTEXTS = ["Identity", "Billing", "Shipping"]
PARTITIONS = 4  # of each context's topic: 12 altogether
TICK = os.sysconf("SC_CLK_TCK")

_cleanups = []


def at_end(action):
    """Runs the action when the benchmark ends, however it ends; the last one registered first."""
    _cleanups.append(action)
    return action


def _clean():
    while _cleanups:
        try:
            _cleanups.pop()()
        except Exception as error:
            print(f"clean-up: {error}", file=sys.stderr)


atexit.register(_clean)
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, lambda number, _: sys.exit(128 + number))


def end_with_parent(number):
    """For a child: be told when this process dies, also by SIGKILL."""
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(1, number)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def resident(pid, field="VmHWM"):
    """Resident memory in MB: the peak, or with `VmRSS` what it is now."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


def _stat(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()


def processor(pid, tree=False):
    """Processor seconds that a process has used; with `tree`, with its children, also those that have ended."""
    fields = _stat(pid)
    ticks = int(fields[11]) + int(fields[12])
    if tree:
        ticks += int(fields[13]) + int(fields[14])
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            for child in children.read().split():
                try:
                    fields = _stat(child)
                    ticks += int(fields[11]) + int(fields[12])
                except FileNotFoundError:
                    pass
    return ticks / TICK


def scheduled(pid):
    """Processor seconds by thread, to the nanosecond: for what uses little."""
    times = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
                times[thread] = int(stat.read().split()[0]) / 1e9
        except FileNotFoundError:
            pass
    return times


def used_since(before, now):
    """What threads used between two looks; what those that ended meanwhile had used is left out."""
    return sum(time - before.get(thread, 0) for thread, time in now.items())


def _machine():
    """Ticks that the machine's processors were busy, and all ticks."""
    with open("/proc/stat") as stat:
        ticks = [int(field) for field in stat.readline().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def wait_for_quiet(limit=6):
    """Waits for a moment in which the machine has little else to do; not for ever."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        busy, total = _machine()
        time.sleep(0.25)
        now_busy, now_total = _machine()
        if now_busy - busy < 0.25 * (now_total - total):
            return


class Others:
    """What share of the machine others took while something was measured."""

    def __init__(self):
        self.busy, self.total = _machine()

    def share(self, own):
        busy, total = _machine()
        return max(0, (busy - self.busy) / TICK - own) / max(0.01, (total - self.total) / TICK)


class Postgres:
    """A cluster in a temporary folder, on a Unix socket in it. Durable like in production."""

    def __init__(self, **settings):
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        self.folder = tempfile.mkdtemp(prefix="godwit-bench-")
        at_end(lambda: shutil.rmtree(self.folder, ignore_errors=True))
        self.owner = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self.owner = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        self.data = os.path.join(self.folder, "data")
        subprocess.run([f"{self.bin}/initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.owner)
        options = {
            "listen_addresses": "", "unix_socket_directories": self.folder, "port": "5432", "max_connections": "100",
            "shared_buffers": "512MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min",
            "shared_preload_libraries": "pg_stat_statements", "autovacuum": "off", "jit": "off",
            "wal_compression": "off",
        }
        options.update(settings)
        arguments = [f"{self.bin}/postgres", "-D", self.data]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        self.log = open(os.path.join(self.folder, "log"), "w")
        self.process = subprocess.Popen(
            arguments, stdout=self.log, stderr=self.log, cwd=self.folder,
            preexec_fn=end_with_parent(signal.SIGQUIT), **self.owner)
        at_end(self.stop)
        self.environment = dict(os.environ, PGHOST=self.folder, PGPORT="5432", PGUSER="postgres",
                                PGDATABASE="postgres", PGOPTIONS="")
        self.url = f"host={self.folder} port=5432 user=postgres dbname=postgres"
        deadline = time.time() + 30
        while subprocess.run([f"{self.bin}/pg_isready", "-q"], env=self.environment).returncode:
            if time.time() > deadline or self.process.poll() is not None:
                raise SystemExit("PostgreSQL does not start: " + open(self.log.name).read())
            time.sleep(0.05)
        self.sql("CREATE EXTENSION pg_stat_statements")

    def sql(self, text):
        """Runs SQL, returns the rows as lists of texts."""
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1"], input=text,
                              env=self.environment, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"psql failed on: {text[:200]}")
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    def processor(self):
        return processor(self.process.pid, tree=True)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(20)
        self.log.close()

    def migrate(self, *options):
        subprocess.run([GODWIT, "migrate", *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=dict(os.environ, GODWIT_DATABASE_URL=self.url))

    def fill(self, count, first=1, contexts=CONTEXTS):
        """Appends events with payloads of 500 bytes, as many to each context, to 20,000 aggregates."""
        names = ", ".join(f"'{context}'" for context in contexts)
        self.sql(f"""
            INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type,
                payload, metadata)
            SELECT (ARRAY[{names}])[1 + i % {len(contexts)}], 'Thing', 'aggregate-' || i % 20000, i / 20000 + 1,
                gen_random_uuid(), 'ThingHappened',
                convert_to(rpad('{{"n":' || i || ',"text":"', 498, md5(i::text)) || '"}}', 'UTF8'), NULL
            FROM generate_series({first}, {first + count - 1}) AS i ORDER BY i;
            VACUUM (ANALYZE) events;
            CHECKPOINT;""")

    def forget_checkpoints(self):
        self.sql("TRUNCATE consumer_segments, consumer_workers; CHECKPOINT;")

    def begin_anew(self, count, contexts):
        """Forgets events, checkpoints and orders, then appends so many events."""
        self.sql("""TRUNCATE events, aggregate_heads, consumer_segments, consumer_workers, godwit.notify_requests,
            godwit.consumer_controls, godwit.dead_letters;""")
        self.fill(count, contexts=contexts)

    def reset_statistics(self):
        self.sql("SELECT pg_stat_statements_reset(); SELECT pg_stat_reset();")

    def statements(self, user="postgres"):
        """What a role's sessions sent since the reset, the benchmark's own left out: calls, rows, text."""
        rows = self.sql(f"""
            SELECT calls, rows, regexp_replace(query, '\\s+', ' ', 'g') FROM pg_stat_statements
            WHERE userid = '{user}'::regrole AND query NOT ILIKE '%pg_stat_%' AND query NOT ILIKE '%pg_sleep%'
            ORDER BY calls DESC""")
        return [(int(calls), int(count), query) for calls, count, query in rows]

    def statistics(self):
        """Statements of the relay since the reset, the rows it got of the events table, the tuples it had fetched."""
        statements = self.statements()
        read = sum(count for _, count, query in statements if re.search(r'payload.* FROM "?public"?\."?events"?', query))
        time.sleep(1.1)  # the statistics of tables lag by a second
        touched = int(self.sql("SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables "
                               "WHERE relname = 'events'")[0][0])
        return statements, read, touched


class OpenTransaction:
    """A session that has run the SQL in a transaction and leaves that open."""

    def __init__(self, postgres, text):
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=dict(postgres.environment, PGAPPNAME="bystander"), preexec_fn=end_with_parent(signal.SIGTERM))
        at_end(self.stop)
        self.process.stdin.write(f"BEGIN;\n{text};\n\\echo open\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line == "open\n":
                return
        raise SystemExit("the transaction that shall stay open has failed")

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(20)


def _text(value):
    """A string as Kafka's protocol has it."""
    return struct.pack(">h", len(value)) + value.encode()


class Broker:
    """Godwit's embedded broker, all in memory, with the topics made; `largest` bounds the batches of some, in bytes."""

    def __init__(self, topics=tuple(CONTEXTS), address=None, partitions=PARTITIONS, largest=None):
        self.address = address or f"127.0.0.1:{free_port()}"
        self.topics = tuple(topics)
        self.partitions = partitions
        self.process = subprocess.Popen(
            [GODWIT, "broker", "--listen", self.address, "--no-auto-create"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=end_with_parent(signal.SIGKILL))
        at_end(self.stop)
        if "listening" not in self.process.stdout.readline():
            raise SystemExit("the broker does not start")
        host, port = self.address.split(":")
        self.connection = socket.create_connection((host, int(port)))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._make_topics(largest or {})

    def _make_topics(self, largest):
        """By CreateTopics, version 0."""
        body = struct.pack(">i", len(self.topics))
        for topic in self.topics:
            body += _text(topic) + struct.pack(">ihi", self.partitions, 1, 0)
            limits = [_text("max.message.bytes") + _text(str(largest[topic]))] if topic in largest else []
            body += struct.pack(">i", len(limits)) + b"".join(limits)
        answer = self._ask(19, 0, body + struct.pack(">i", 30_000))
        at = 4
        for topic in self.topics:
            at += 2 + struct.unpack_from(">h", answer, at)[0]
            error = struct.unpack_from(">h", answer, at)[0]
            at += 2
            if error:
                raise SystemExit(f"the broker does not make a topic: error {error}")

    def _ask(self, api, version, body):
        """Sends a request and returns its answer's body."""
        request = struct.pack(">hhi", api, version, 7) + _text("bench") + body
        self.connection.sendall(struct.pack(">i", len(request)) + request)
        return self._receive(struct.unpack(">i", self._receive(4))[0])[4:]

    def records(self):
        """How many records the topics hold, by their partitions' watermarks (ListOffsets, version 1)."""
        body = struct.pack(">ii", -1, len(self.topics))
        for topic in self.topics:
            body += _text(topic) + struct.pack(">i", self.partitions)
            for partition in range(self.partitions):
                body += struct.pack(">iq", partition, -1)
        answer = self._ask(2, 1, body)
        at, total = 4, 0
        for _ in self.topics:
            at += 2 + struct.unpack_from(">h", answer, at)[0]
            count = struct.unpack_from(">i", answer, at)[0]
            at += 4
            for _ in range(count):
                _, error, _, offset = struct.unpack_from(">ihqq", answer, at)
                at += 22
                if error:
                    raise SystemExit(f"the broker answers error {error}")
                total += offset
        return total

    def _receive(self, count):
        data = b""
        while len(data) < count:
            part = self.connection.recv(count - len(data))
            if not part:
                raise SystemExit("the broker hangs up")
            data += part
        return data

    def wait_for(self, count, started, limit=300, alive=lambda: True):
        """Waits until the topics hold so many; returns seconds from `started` to the first and to the last."""
        first = None
        while True:
            records, now = self.records(), time.monotonic()
            if records and first is None:
                first = now - started
            if records >= count:
                return first, now - started
            if now - started > limit or not alive():
                raise SystemExit(f"only {records} of {count} records came")
            time.sleep(0.005 if first is None else 0.02)

    def processor(self):
        return processor(self.process.pid)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Relay:
    """`godwit run`, one consumer for each context or one for all whose topic is a template."""

    def __init__(self, postgres, broker, single=False, notify="never", settings=None, wrapper=(), contexts=CONTEXTS):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GODWIT_")}
        environment |= {
            "GODWIT_DATABASE_URL": postgres.url, "GODWIT_KAFKA_BOOTSTRAP_SERVERS": broker.address,
            "GODWIT_NOTIFY_MODE": notify, "GODWIT_LOG_LEVEL": "warning",
        }
        if single:
            environment["GODWIT_CONSUMERS_ALL_TOPIC"] = "{bounded_context}"
        else:
            for context in contexts:
                environment[f"GODWIT_CONSUMERS_{context.upper()}_TOPIC"] = context
                environment[f"GODWIT_CONSUMERS_{context.upper()}_BOUNDED_CONTEXTS"] = context
        environment |= settings or {}
        self.environment = environment
        self.log = tempfile.TemporaryFile("w+")
        self.started = time.monotonic()
        self.process = subprocess.Popen([*wrapper, GODWIT, "run"], env=environment, stdout=self.log, stderr=self.log,
                                        preexec_fn=end_with_parent(signal.SIGKILL))
        at_end(self.stop)

    def command(self, *arguments):
        """Runs another command of Godwit with the relay's configuration."""
        subprocess.run([GODWIT, *arguments], env=self.environment, check=True, stdout=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def is_alive(self):
        if self.process.poll() is None:
            return True
        self.log.seek(0)
        print(self.log.read(), file=sys.stderr)
        return False

    def stop(self):
        """As an operator would."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Receipts:
    """When each key came out of the topics, read by one kcat. The topics are read from their ends, or from their
    beginnings as a group."""

    def __init__(self, broker, *topics, group=None):
        self.at = {}
        self.lines = 0
        source = ["-G", group, "-X", "auto.offset.reset=earliest"] if group else ["-C", "-o", "end", "-t"]
        self.process = subprocess.Popen(
            ["kcat", "-q", "-u", "-b", broker.address, "-f", "%k\n", "-X", "fetch.wait.max.ms=1000",
             "-X", "check.crcs=false", "-X", "socket.nagle.disable=true", *source, *topics],
            stdout=subprocess.PIPE, preexec_fn=end_with_parent(signal.SIGKILL))
        at_end(self.stop)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        pipe, rest = self.process.stdout.fileno(), b""
        while data := os.read(pipe, 65536):
            now = time.time()
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for line in lines:
                self.at.setdefault(line.decode(), now)
            self.lines += len(lines)

    def wait_for(self, keys, limit):
        """Waits until all the keys have come; not for ever."""
        end, missing = time.monotonic() + limit, set(keys)
        while missing and time.monotonic() < end:
            time.sleep(0.1)
            missing = {key for key in missing if key not in self.at}

    def processor(self):
        return processor(self.process.pid)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def watch_rest(postgres, relay, seconds, user="postgres"):
    """What a relay that has nothing to do takes: its share of a core and the server's, resident MB, statements with their
    calls a minute, and others' load."""
    postgres.sql("SELECT pg_stat_statements_reset()")
    used, database, started, others = scheduled(relay.pid), postgres.processor(), time.monotonic(), Others()
    time.sleep(seconds)
    took = time.monotonic() - started
    own, database = used_since(used, scheduled(relay.pid)), postgres.processor() - database
    load, memory = others.share(own), resident(relay.pid, "VmRSS")
    statements = [(calls * 60 / took, query) for calls, _, query in postgres.statements(user)]
    return own / took, database / took, memory, statements, load
