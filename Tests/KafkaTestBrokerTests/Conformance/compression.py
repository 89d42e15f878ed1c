from common import *
from kafka import KafkaConsumer, KafkaProducer

for codec in ("gzip", "snappy", "lz4", "zstd"):
    topic = new_topic(codec)
    expected = [b"%d " % i * 50 for i in range(200)]
    client = producer(compression_type=codec, linger_ms=100)
    # Older records might be due for deletion by their time.
    base = int(time.time() * 1000) - 3_600_000
    send(client, topic, [{"value": value, "timestamp": base + i * 1000} for i, value in enumerate(expected)])
    check(f"{codec}: confluent-kafka reads what it wrote", values(topic) == expected)
    reader = KafkaConsumer(bootstrap_servers=BROKERS, auto_offset_reset="earliest", consumer_timeout_ms=5000)
    from kafka import TopicPartition as Partition

    reader.assign([Partition(topic, 0)])
    got = []
    for message in reader:
        got.append(message.value)
        if len(got) == len(expected):
            break
    check(f"{codec}: kafka-python reads it", got == expected, len(got))
    reader.close()
    found = consumer().offsets_for_times([TopicPartition(topic, 0, base + 120_500)], timeout=DEADLINE)[0]
    check(f"{codec}: the record of a time within a batch", found.offset == 121, found)

for codec in ("gzip", "lz4"):
    topic = new_topic("python-" + codec)
    client = KafkaProducer(bootstrap_servers=BROKERS, compression_type=codec, linger_ms=50)
    for i in range(100):
        client.send(topic, b"%d " % i * 50)
    client.flush(DEADLINE)
    check(f"{codec}: confluent-kafka reads kafka-python's", values(topic) == [b"%d " % i * 50 for i in range(100)])
