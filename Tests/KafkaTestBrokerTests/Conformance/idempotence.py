from common import *
from raw import Raw, batch

NONE, CORRUPT, UNKNOWN_TOPIC, TOO_LARGE, ACKS, TIMESTAMP = 0, 2, 3, 10, 21, 32
OUT_OF_ORDER, INVALID_EPOCH, INVALID_RECORD = 45, 47, 87
raw = Raw(BROKERS)

topic = new_topic("sequences")
pid, epoch = raw.producer_id()
sent = {}
for sequence in range(0, 14, 2):
    error, offset = raw.produce(topic, batch([b"a", b"b"], pid, epoch, sequence))
    assert error == NONE, error
    sent[sequence] = offset
check("batches in sequence get consecutive offsets", sent == {s: s for s in range(0, 14, 2)}, sent)
for sequence in range(4, 14, 2):
    answer = raw.produce(topic, batch([b"a", b"b"], pid, epoch, sequence))
    assert answer == (NONE, sequence), (sequence, answer)
check("the last five batches, sent again, answer success with their first offset", True)
check("an older one is out of order", raw.produce(topic, batch([b"a", b"b"], pid, epoch, 2))[0] == OUT_OF_ORDER)
check("a gap is out of order", raw.produce(topic, batch([b"x"], pid, epoch, 16))[0] == OUT_OF_ORDER)
check(
    "a part of a batch is no duplicate", raw.produce(topic, batch([b"b"], pid, epoch, 13))[0] == OUT_OF_ORDER
)
check("duplicates are not written", len(read(topic)) == 14)

check("a new epoch must begin at 0", raw.produce(topic, batch([b"x"], pid, epoch + 1, 14))[0] == OUT_OF_ORDER)
check("and does", raw.produce(topic, batch([b"x"], pid, epoch + 1, 0)) == (NONE, 14))
check("which fences the former epoch", raw.produce(topic, batch([b"x"], pid, epoch, 14))[0] == INVALID_EPOCH)

topic = new_topic("unknown-producer")
pid, epoch = raw.producer_id()
check("a producer not known here may begin anywhere", raw.produce(topic, batch([b"x"], pid, epoch, 77)) == (NONE, 0))
check("and goes on from there", raw.produce(topic, batch([b"y"], pid, epoch, 78)) == (NONE, 1))
check("but not back", raw.produce(topic, batch([b"z"], pid, epoch, 0))[0] == OUT_OF_ORDER)

topic = new_topic("wrap")
pid, epoch = raw.producer_id()
top = 2**31 - 1
check("a batch across the largest sequence", raw.produce(topic, batch([b"a", b"b", b"c"], pid, epoch, top - 1))[0] == NONE)
check("is known again", raw.produce(topic, batch([b"a", b"b", b"c"], pid, epoch, top - 1)) == (NONE, 0))
check("and is followed by 1", raw.produce(topic, batch([b"d"], pid, epoch, 1)) == (NONE, 3))

# Set, because the default is an hour since Kafka 4.0 and no limit before.
topic = new_topic("broken", config={"message.timestamp.after.max.ms": "3600000"})
check("a wrong checksum", raw.produce(topic, batch([b"x"], break_crc=True))[0] == CORRUPT)
check("two batches in one", raw.produce(topic, batch([b"x"]) + batch([b"y"]))[0] == INVALID_RECORD)
check("a control batch of a client", raw.produce(topic, batch([b"x"], 5, 0, 0, attributes=0x20))[0] == INVALID_RECORD)
check("a base offset", raw.produce(topic, batch([b"x"], base_offset=5))[0] == INVALID_RECORD)
check("a count that does not fit", raw.produce(topic, batch([b"x", b"y"], count=3))[0] == INVALID_RECORD)
check("acks of 2", raw.produce(topic, batch([b"x"]), acks=2)[0] == ACKS)
check("an unknown topic", raw.produce("there-is-none-such", batch([b"x"]))[0] == UNKNOWN_TOPIC)
check("an unknown partition", raw.produce(topic, batch([b"x"]), partition=9)[0] == UNKNOWN_TOPIC)
future = int(time.time() * 1000) + 2 * 3600 * 1000
check("a time two hours ahead", raw.produce(topic, batch([b"x"], timestamp=future))[0] == TIMESTAMP)
check("nothing of it was written", read(topic) == [])

topic = new_topic("small", config={"max.message.bytes": "1000"})
check("a batch over max.message.bytes", raw.produce(topic, batch([b"x" * 1000]))[0] == TOO_LARGE)
check("one under it", raw.produce(topic, batch([b"x" * 900])) == (NONE, 0))

topic = new_topic("compacted", config={"cleanup.policy": "compact"})
check("no key on a compacted topic", raw.produce(topic, batch([b"x"], key=None))[0] == INVALID_RECORD)
check("with a key", raw.produce(topic, batch([b"x"], key=b"")) == (NONE, 0))

topic = new_topic("append-time", config={"message.timestamp.type": "LogAppendTime"})
before = int(time.time() * 1000)
check("the append's time", raw.produce(topic, batch([b"x"], timestamp=5))[0] == NONE)
kind, when = read(topic)[0].timestamp()
check("is what readers get", kind == 2 and before - 5000 <= when <= before + 60_000, (kind, when))
