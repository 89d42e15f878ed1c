from common import *
import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

topic = new_topic("python", partitions=2)
client = KafkaProducer(bootstrap_servers=BROKERS, acks="all", enable_idempotence=True)
sent = [client.send(topic, key=b"%d" % (i % 7), value=b"%d" % i, headers=[("h", b"%d" % i)]).get(DEADLINE) for i in range(100)]
check("an idempotent producer writes", len(sent) == 100)
group = f"g-{uuid.uuid4().hex[:12]}"
reader = KafkaConsumer(topic, bootstrap_servers=BROKERS, group_id=group, auto_offset_reset="earliest",
                       enable_auto_commit=False, consumer_timeout_ms=10_000)
got = []
for message in reader:
    got.append(message)
    if len(got) == 100:
        break
check("a group member reads", sorted(int(m.value) for m in got) == list(range(100)), len(got))
check("headers", all(m.headers == [("h", m.value)] for m in got))
reader.commit()
ends = reader.end_offsets([kafka.TopicPartition(topic, p) for p in range(2)])
check("end offsets", sum(ends.values()) == 100, ends)
reader.close()
reader = KafkaConsumer(topic, bootstrap_servers=BROKERS, group_id=group, auto_offset_reset="earliest", consumer_timeout_ms=1500)
check("which has committed", list(reader) == [])
reader.close()

client = KafkaProducer(bootstrap_servers=BROKERS, transactional_id=f"t-{uuid.uuid4().hex[:12]}")
client.init_transactions()
client.begin_transaction()
client.send(topic, value=b"aborted", partition=0)
client.flush(DEADLINE)
client.abort_transaction()
client.begin_transaction()
client.send(topic, value=b"committed", partition=0)
client.commit_transaction()
reader = KafkaConsumer(bootstrap_servers=BROKERS, isolation_level="read_committed", consumer_timeout_ms=1500)
partition = kafka.TopicPartition(topic, 0)
reader.assign([partition])
reader.seek_to_beginning(partition)
shown = [m.value for m in reader]
check("transactions", b"committed" in shown and b"aborted" not in shown, shown[-3:])
reader.close()
names = KafkaAdminClient(bootstrap_servers=BROKERS).list_topics()
check("the topics are listed", topic in names)
