from common import *
from confluent_kafka.admin import OffsetSpec

topic = new_topic("times")
# Older records might be due for deletion by their time.
base = int(time.time() * 1000) - 3_600_000
send(producer(linger_ms=0, batch_num_messages=7),
     topic, [{"value": b"%d" % i, "timestamp": base + i * 10} for i in range(100)])
client = consumer()
check("watermarks", client.get_watermark_offsets(TopicPartition(topic, 0), timeout=DEADLINE) == (0, 100))


def at(when):
    return client.offsets_for_times([TopicPartition(topic, 0, when)], timeout=DEADLINE)[0].offset


check("the first record at a time", at(base + 500) == 50, at(base + 500))
check("the first after a time between two", at(base + 501) == 51, at(base + 501))
check("before all", at(base - 5) == 0)
check("after all there is none, which the client takes for the end", at(base + 100_000) == -1)


def listed(spec):
    return admin().list_offsets({TopicPartition(topic, 0): spec})[TopicPartition(topic, 0)].result(DEADLINE)


check("earliest", listed(OffsetSpec.earliest()).offset == 0)
check("latest", listed(OffsetSpec.latest()).offset == 100)
check("the latest time", listed(OffsetSpec.max_timestamp()).offset == 99, listed(OffsetSpec.max_timestamp()))
check("by time", listed(OffsetSpec.for_timestamp(base + 333)).offset == 34)

gone = admin().delete_records([TopicPartition(topic, 0, 40)])[TopicPartition(topic, 0)].result(DEADLINE)
check("deleted records move the start", gone.low_watermark == 40, gone.low_watermark)
check("of reading too", [m.offset() for m in read(topic, start=40)] == list(range(40, 100)))
check("watermarks follow", client.get_watermark_offsets(TopicPartition(topic, 0), timeout=DEADLINE) == (40, 100))
check("a reader below the start begins at it", read(topic, start=3)[0].offset() == 40)
check("a reader beyond the end too, if told to", read(topic, start=5000)[0].offset() == 40)
check("times skip what is deleted", at(base) == 40, at(base))
