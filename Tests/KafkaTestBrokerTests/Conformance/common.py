"""What the conformance scripts share. Each script is run with the brokers as its only argument and says what it saw."""

import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

BROKERS = sys.argv[1]
DEADLINE = 30
STARTED = time.time()


def check(name, condition, detail=None):
    if not condition:
        print(f"FAILED {name}: {detail!r}")
        sys.exit(1)
    print(f"ok {name}", *([round(time.time() - STARTED, 2)] if "-v" in sys.argv else []))


# A client that is collected fails its requests in flight: one is kept for the life of the script.
ADMIN = AdminClient({"bootstrap.servers": BROKERS})


def admin():
    return ADMIN


def new_topic(prefix, partitions=1, config=None):
    name = f"{prefix}-{uuid.uuid4().hex[:12]}"
    for future in admin().create_topics([NewTopic(name, partitions, 1, config=config or {})]).values():
        future.result(DEADLINE)
    wait_for_leaders(name, partitions)
    return name


def wait_for_leaders(topic, partitions):
    """A new topic shows at once nowhere but in the controller: brokers hear of it and begin to lead a moment later."""
    client = consumer()

    def is_led():
        try:
            for partition in range(partitions):
                client.get_watermark_offsets(TopicPartition(topic, partition), timeout=DEADLINE)
            return True
        except KafkaException:
            return False

    assert eventually(is_led), f"{topic} has no leaders after {DEADLINE} s"
    client.close()


def producer(**settings):
    return Producer({"bootstrap.servers": BROKERS, **dotted(settings)})


def consumer(**settings):
    return Consumer(
        {
            "bootstrap.servers": BROKERS,
            "group.id": f"g-{uuid.uuid4().hex[:12]}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            # The end of a partition shows when a fetch comes back empty.
            "fetch.wait.max.ms": 50,
            **dotted(settings),
        }
    )


def dotted(settings):
    return {name.replace("_", "."): value for name, value in settings.items()}


def send(client, topic, messages):
    """Produces and waits for every report; returns the reports in the order of the messages."""
    reports = [None] * len(messages)

    def report(index):
        def store(error, message):
            reports[index] = (error, message)

        return store

    for index, message in enumerate(messages):
        client.produce(topic, on_delivery=report(index), **message)
    left = client.flush(DEADLINE)
    assert left == 0, f"{left} messages without a report"
    return reports


def read(topic, partition=0, start=0, **settings):
    """Reads a partition from an offset to its end."""
    client = consumer(**settings)
    client.assign([TopicPartition(topic, partition, start)])
    messages = []
    until = time.time() + DEADLINE
    while time.time() < until:
        message = client.poll(1)
        if message is None:
            continue
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                client.close()
                return messages
            raise KafkaException(message.error())
        messages.append(message)
    raise AssertionError(f"no end of {topic} after {DEADLINE} s")


def values(topic, **settings):
    return [message.value() for message in read(topic, **settings)]


def eventually(condition, seconds=DEADLINE, step=None):
    """Waits until the condition holds; `step` is done between two looks."""
    until = time.time() + seconds
    while time.time() < until:
        if condition():
            return True
        if step:
            step()
        else:
            time.sleep(0.02)
    return condition()
