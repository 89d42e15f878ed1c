"""Says as JSON what clients that nobody here wrote understand of the records in some topics.

It is given the brokers and the topics, all with as many partitions. Of each topic it prints the records in the order of
their partitions, and of each record what confluent-kafka and kcat got; what both versions of the CloudEvents SDK, and
OpenTelemetry's propagators, make of it; and to which partition the producers of confluent-kafka and kafka-python bring its
key. With a key and texts it prints their HMACs too.
"""

import argparse
import hashlib
import hmac
import json
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from cloudevents.core.bindings import kafka as cloudevents
from cloudevents.v1 import kafka as cloudevents_v1
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.partitioner.default import murmur2
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

DEADLINE = 60


def text(value):
    return None if value is None else value.decode()


def read_with_confluent(brokers, topics):
    """All records of the topics by topic, in the order of partitions and offsets, and how many partitions a topic has."""
    client = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"records-{uuid.uuid4().hex}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
        }
    )
    known = client.list_topics(timeout=DEADLINE).topics
    places = [TopicPartition(topic, number, 0) for topic in topics for number in known[topic].partitions]
    client.assign(places)
    left = len(places)
    records = {topic: [] for topic in topics}
    until = time.time() + DEADLINE
    while left and time.time() < until:
        message = client.poll(1)
        if message is None:
            continue
        if message.error() is None:
            records[message.topic()].append(message)
        elif message.error().code() == KafkaError._PARTITION_EOF:
            left -= 1
        else:
            raise KafkaException(message.error())
    client.close()
    assert not left, f"{left} partitions without an end after {DEADLINE} s"
    for messages in records.values():
        messages.sort(key=lambda message: (message.partition(), message.offset()))
    return records, len(known[topics[0]].partitions)


def of_confluent(message):
    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "time": message.timestamp()[1],
        "key": text(message.key()),
        "value": text(message.value()),
        "headers": [[name, text(value)] for name, value in message.headers() or []],
    }


def read_with_kcat(brokers, topic):
    command = ["kcat", "-C", "-b", brokers, "-t", topic, "-o", "beginning", "-e", "-q", "-J", "-X", "fetch.wait.max.ms=20"]
    output = subprocess.run(command, capture_output=True, check=True, timeout=DEADLINE).stdout
    records = [of_kcat(json.loads(line)) for line in output.splitlines()]
    return sorted(records, key=lambda record: (record["partition"], record["offset"]))


def of_kcat(envelope):
    headers = envelope.get("headers", [])
    return {
        "partition": envelope["partition"],
        "offset": envelope["offset"],
        "time": envelope["ts"],
        "key": envelope["key"],
        "value": envelope["payload"],
        "headers": [list(pair) for pair in zip(headers[::2], headers[1::2])],
    }


def attempt(read, message):
    """What an SDK makes of a record that says what its content is, or why it makes nothing of it."""
    if content_type(message) is None:
        return None
    try:
        return read(message)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def of_cloudevents(message):
    """Readers tell CloudEvents' modes apart by the content type, and this SDK by the attributes among the headers."""
    event = cloudevents.from_kafka_event(
        cloudevents.KafkaMessage(dict(message.headers() or []), message.key(), message.value())
    )
    return {
        "mode": "structured" if is_structured(message) else "binary",
        "attributes": plain(event.get_attributes()),
        "data": event.get_data(),
        "trace": of_opentelemetry(plain(event.get_attributes())),
    }


def content_type(message):
    return text(dict(message.headers() or []).get("content-type"))


def is_structured(message):
    return content_type(message).startswith("application/cloudevents")


def of_cloudevents_v1(message):
    """Version 1 of the SDK, which version 2 still has. It is told that a value may be absent."""
    given = cloudevents_v1.KafkaMessage(dict(message.headers() or []), message.key(), message.value())
    if is_structured(message):
        event = cloudevents_v1.from_structured(given)
    else:
        event = cloudevents_v1.from_binary(given, data_unmarshaller=lambda value: value and json.loads(value))
    return {"attributes": plain(event.get_attributes()), "data": event.data}


def plain(attributes):
    """Attributes as texts, as far as the SDK makes other values of them."""

    def one(value):
        if isinstance(value, bytes):
            return value.decode()
        return value.isoformat() if isinstance(value, datetime) else value

    return {name: one(value) for name, value in attributes.items()}


def of_opentelemetry(carrier):
    """What OpenTelemetry continues with: the context that its propagators find."""
    context = TraceContextTextMapPropagator().extract(carrier, context=Context())
    context = W3CBaggagePropagator().extract(carrier, context=context)
    span = trace.get_current_span(context).get_span_context()
    return {
        "trace_id": trace.format_trace_id(span.trace_id) if span.is_valid else None,
        "span_id": trace.format_span_id(span.span_id) if span.is_valid else None,
        "sampled": bool(span.trace_flags.sampled),
        "state": dict(span.trace_state.items()),
        "baggage": dict(baggage.get_all(context)),
    }


def partitions_by_confluent(brokers, partitioner, keys, count):
    """Where a producer brings keys, tried in a topic of its own."""
    topic = f"records-{uuid.uuid4().hex}"
    client = AdminClient({"bootstrap.servers": brokers})
    client.create_topics([NewTopic(topic, count, 1)])[topic].result(DEADLINE)
    found = {}
    # A broker that does not know the topic yet is asked again.
    producer = Producer({"bootstrap.servers": brokers, "partitioner": partitioner, "linger.ms": 5})

    def report(error, message):
        found[message.key()] = None if error else message.partition()

    for key in keys:
        producer.produce(topic, b"", key=key, on_delivery=report)
    assert producer.flush(DEADLINE) == 0, "keys without a report"
    client.delete_topics([topic])[topic].result(DEADLINE)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("brokers")
    parser.add_argument("topics", nargs="+")
    parser.add_argument("--hash-key", default="")
    parser.add_argument("--hash", action="append", default=[], metavar="TEXT")
    given = parser.parse_args()

    messages, count = read_with_confluent(given.brokers, given.topics)
    with ThreadPoolExecutor(4) as pool:
        of_topics = list(pool.map(lambda topic: read_with_kcat(given.brokers, topic), given.topics))
    keys = sorted({message.key() for topic in given.topics for message in messages[topic]})
    by_confluent = {
        name: partitions_by_confluent(given.brokers, name, keys, count) for name in ("consistent", "murmur2")
    }
    topics = {}
    for topic, by_kcat in zip(given.topics, of_topics):
        assert len(by_kcat) == len(messages[topic]), f"{topic}: kcat reads {len(by_kcat)} of {len(messages[topic])}"
        topics[topic] = [
            {
                "confluent": of_confluent(message),
                "kcat": kcat,
                "cloudevents": attempt(of_cloudevents, message),
                "cloudevents_v1": attempt(of_cloudevents_v1, message),
                "opentelemetry": of_opentelemetry({name: text(value) for name, value in message.headers() or []}),
                "partitions": {
                    "consistent": by_confluent["consistent"][message.key()],
                    "murmur2": by_confluent["murmur2"][message.key()],
                    "kafka-python": (murmur2(message.key()) & 0x7FFFFFFF) % count,
                },
            }
            for message, kcat in zip(messages[topic], by_kcat)
        ]
    hashes = {
        one: hmac.new(given.hash_key.encode(), one.encode(), hashlib.sha256).hexdigest() for one in given.hash
    }
    print(json.dumps({"topics": topics, "hashes": hashes}, ensure_ascii=False, default=bytes.decode))


main()
