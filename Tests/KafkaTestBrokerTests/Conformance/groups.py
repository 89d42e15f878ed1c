from common import *
from confluent_kafka import ConsumerGroupTopicPartitions

topic = new_topic("groups", partitions=4)
send(producer(), topic, [{"key": b"%d" % i, "value": b"%d" % i} for i in range(400)])
group = f"g-{uuid.uuid4().hex[:12]}"
seen = []


def poll(*clients):
    for client in clients:
        message = client.poll(0.05)
        if message is not None and not message.error():
            seen.append(int(message.value()))


one = consumer(group_id=group, session_timeout_ms=6000, heartbeat_interval_ms=500)
one.subscribe([topic])
check("one member gets all partitions", eventually(lambda: len(one.assignment()) == 4, step=lambda: poll(one)))
eventually(lambda: len(seen) == 400, step=lambda: poll(one))
check("and all records", sorted(seen) == list(range(400)), len(seen))
one.commit(asynchronous=False)
committed = one.committed([TopicPartition(topic, p) for p in range(4)], DEADLINE)
check("its position is committed", sum(p.offset for p in committed) == 400, committed)

two = consumer(group_id=group, session_timeout_ms=6000, heartbeat_interval_ms=500)
two.subscribe([topic])
both = lambda: len(one.assignment()) == 2 and len(two.assignment()) == 2
check("a second member shares", eventually(both, step=lambda: poll(one, two)), (one.assignment(), two.assignment()))
check("with nothing doubled", {p.partition for p in one.assignment() + two.assignment()} == {0, 1, 2, 3})
described = admin().describe_consumer_groups([group])[group].result(DEADLINE)
check("the group is described", str(described.state) == "ConsumerGroupState.STABLE" and len(described.members) == 2, described.state)

two.close()
check("when one leaves the other takes all", eventually(lambda: len(one.assignment()) == 4, step=lambda: poll(one)))
lost = consumer(group_id=group, session_timeout_ms=6000, heartbeat_interval_ms=500)
one.close()

three = consumer(group_id=group)
three.subscribe([topic])
check("a member after a pause gets all", eventually(lambda: len(three.assignment()) == 4, step=lambda: poll(three)))
before = len(seen)
send(producer(), topic, [{"key": b"%d" % i, "value": b"%d" % i} for i in range(400, 440)])
eventually(lambda: len(seen) == 440, step=lambda: poll(three))
check("and goes on where the group was", seen[before:] and sorted(seen[before:]) == list(range(400, 440)), seen[before:])
three.close()

listing = admin().list_consumer_groups().result()
check("the group is listed", group in {g.group_id for g in listing.valid})
offsets = admin().list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(DEADLINE)
check("its offsets are listed", len(offsets.topic_partitions) == 4, offsets)
admin().delete_consumer_groups([group])[group].result(DEADLINE)
check("it can be deleted", group not in {g.group_id for g in admin().list_consumer_groups().result().valid})

static = f"s-{uuid.uuid4().hex[:12]}"
member = consumer(group_id=static, group_instance_id="one", session_timeout_ms=10_000)
member.subscribe([topic])
check("a static member joins", eventually(lambda: len(member.assignment()) == 4, step=lambda: poll(member)))
member.close()
again = consumer(group_id=static, group_instance_id="one", session_timeout_ms=10_000)
again.subscribe([topic])
check("and comes back to its partitions", eventually(lambda: len(again.assignment()) == 4, step=lambda: poll(again)))
again.close()
