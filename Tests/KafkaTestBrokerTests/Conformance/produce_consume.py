from common import *

topic = new_topic("basics")
an_hour_ago = int(time.time() * 1000) - 3_600_000
messages = [
    {"key": b"k1", "value": b"v1", "headers": [("a", b"1"), ("a", b"2"), ("empty", b""), ("null", None)]},
    {"key": None, "value": b"no key"},
    {"key": b"", "value": b"empty key"},
    {"key": b"tombstone", "value": None},
    {"key": b"empty", "value": b""},
    {"key": b"old", "value": b"x", "timestamp": an_hour_ago},
    {"key": "schlüssel".encode(), "value": bytes(range(256)) * 4},
    {"key": b"large", "value": b"L" * 900_000},
]
reports = send(producer(), topic, messages)
check("every record is acknowledged", all(error is None for error, _ in reports), reports)
check("offsets count from 0", [m.offset() for _, m in reports] == list(range(len(messages))))

got = read(topic)
check("all come back in order", [m.offset() for m in got] == list(range(len(messages))))
check("keys", [m.key() for m in got] == [m["key"] for m in messages], [m.key() for m in got])
check("values, null and empty apart", [m.value() for m in got] == [m["value"] for m in messages])
check("headers, also repeated, empty and null", got[0].headers() == messages[0]["headers"], got[0].headers())
check("the producer's time", got[5].timestamp()[1] == an_hour_ago, got[5].timestamp())
check("reading from the middle", [m.offset() for m in read(topic, start=5)] == [5, 6, 7])

many = new_topic("many", partitions=3)
count = 5000
client = producer(enable_idempotence=True, partitioner="murmur2_random")
reports = send(client, many, [{"key": b"key-%d" % (i % 50), "value": b"%d" % i} for i in range(count)])
check("5,000 with idempotence are acknowledged", all(error is None for error, _ in reports))
seen = []
for partition in range(3):
    last = {}
    for message in read(many, partition):
        number = int(message.value())
        assert last.get(message.key(), -1) < number, "order within a key"
        last[message.key()] = number
        seen.append(number)
check("each once, in order per key", sorted(seen) == list(range(count)), len(seen))

for acks in ("0", "1", "all"):
    one = new_topic("acks")
    client = producer(acks=acks, enable_idempotence=False)
    send(client, one, [{"value": b"x"}])
    check(f"acks={acks}", eventually(lambda: values(one) == [b"x"]))

waiting = new_topic("waiting")
reader = consumer(fetch_wait_max_ms=20_000, enable_partition_eof=False)
reader.assign([TopicPartition(waiting, 0, 0)])
check("a fetch waits for something to come", reader.poll(1) is None)
send(producer(linger_ms=0), waiting, [{"value": b"now"}])
message = reader.poll(10)
check("and is woken by it", message is not None and message.value() == b"now")
reader.close()
