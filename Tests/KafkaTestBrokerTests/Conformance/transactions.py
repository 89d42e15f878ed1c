from common import *
from raw import Raw, batch


def transactional(name, **settings):
    client = producer(transactional_id=name, **settings)
    client.init_transactions(DEADLINE)
    return client


def committed(topic):
    return values(topic, isolation_level="read_committed")


def check_shows(name, topic, expected):
    """Markers are written behind the answer that ends a transaction: what they decide shows a moment later."""
    check(name, eventually(lambda: committed(topic) == expected), committed(topic))


topic = new_topic("transactions")
name = f"t-{uuid.uuid4().hex[:12]}"
first = transactional(name)
first.begin_transaction()
first.produce(topic, b"c1")
first.produce(topic, b"c2")
first.commit_transaction(DEADLINE)
check_shows("committed records show", topic, [b"c1", b"c2"])

first.begin_transaction()
first.produce(topic, b"a1")
first.flush(DEADLINE)
first.abort_transaction(DEADLINE)
check_shows("aborted ones are hidden", topic, [b"c1", b"c2"])
check("but not from readers of all", values(topic, isolation_level="read_uncommitted") == [b"c1", b"c2", b"a1"])

first.begin_transaction()
first.produce(topic, b"open")
first.flush(DEADLINE)
send(producer(), topic, [{"value": b"plain"}])
check("an open transaction holds back what follows", committed(topic) == [b"c1", b"c2"])
everything = consumer(isolation_level="read_uncommitted")
marks = lambda: everything.get_watermark_offsets(TopicPartition(topic, 0), timeout=DEADLINE)
check("though it is in the log", eventually(lambda: marks() == (0, 7)), marks())

second = transactional(name)
check_shows("a successor's init aborts it", topic, [b"c1", b"c2", b"plain"])
try:
    first.commit_transaction(DEADLINE)
    fenced = None
except KafkaException as error:
    fenced = error.args[0]
check("and fences the predecessor", fenced is not None and fenced.fatal(), fenced)
second.begin_transaction()
second.produce(topic, b"c3")
second.commit_transaction(DEADLINE)
check_shows("the successor goes on", topic, [b"c1", b"c2", b"plain", b"c3"])

group = f"g-{uuid.uuid4().hex[:12]}"
reader = consumer(group_id=group, isolation_level="read_committed")
reader.subscribe([topic])
got = []
eventually(lambda: len(got) == 4, step=lambda: (m := reader.poll(0.2)) and not m.error() and got.append(m.value()))
check("a group reads what is committed", got == [b"c1", b"c2", b"plain", b"c3"], got)
positions = reader.position(reader.assignment())
other = new_topic("copy")
for outcome in ("abort", "commit"):
    second.begin_transaction()
    second.produce(other, outcome.encode())
    second.send_offsets_to_transaction(positions, reader.consumer_group_metadata(), DEADLINE)
    (second.commit_transaction if outcome == "commit" else second.abort_transaction)(DEADLINE)
    offset = reader.committed(reader.assignment(), DEADLINE)[0].offset
    check(f"offsets in a transaction follow its {outcome}", (offset >= 0) == (outcome == "commit"), offset)
check_shows("with its records", other, [b"commit"])
reader.close()

late = transactional(f"late-{name}", transaction_timeout_ms=1500)
slow = new_topic("timeout")
late.begin_transaction()
late.produce(slow, b"late")
late.flush(DEADLINE)
send(producer(), slow, [{"value": b"after"}])
check("a transaction past its timeout is aborted", eventually(lambda: committed(slow) == [b"after"], 40))
try:
    late.commit_transaction(DEADLINE)
    fenced = None
except KafkaException as error:
    fenced = error.args[0]
check("and its producer fenced", fenced is not None, fenced)

raw = Raw(BROKERS)
plain = new_topic("outside")
pid, epoch = raw.producer_id(f"outside-{name}")
error, _ = raw.produce(plain, batch([b"x"], pid, epoch, 0, attributes=0x10), transactional_id=f"outside-{name}")
check("a partition that did not join takes no transactional record", error in (48, 120), error)
check("nor without the transactional id", raw.produce(plain, batch([b"x"], pid, epoch, 0, attributes=0x10))[0] == 53)
