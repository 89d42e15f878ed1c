from common import *

topic = new_topic("limits")
reports = send(producer(message_max_bytes=10_000_000), topic, [{"value": b"x" * 3_000_000}, {"value": b"small"}])
check("an oversized record is refused", reports[0][0] is not None and reports[0][0].name() == "MSG_SIZE_TOO_LARGE", reports[0][0])
check("and the next one goes on", reports[1][0] is None, reports[1][0])
check("only that is in the log", values(topic) == [b"small"])

reports = send(producer(message_max_bytes=10_000_000), topic, [{"value": b"x" * 1_000_000}])
check("one just under the limit passes", reports[0][0] is None, reports[0][0])
got = read(topic, fetch_message_max_bytes=1000, max_partition_fetch_bytes=1000)
check("and is read by one who asks for less", [len(m.value()) for m in got] == [5, 1_000_000])

unknown = producer(allow_auto_create_topics=False, message_timeout_ms=5000)
client = consumer(allow_auto_create_topics=False)
name = f"none-{uuid.uuid4().hex[:12]}"
found = client.list_topics(name, timeout=DEADLINE).topics[name]
check("an unknown topic is told as such", found.error is not None and found.error.name() in (
    "UNKNOWN_TOPIC_OR_PART", "LEADER_NOT_AVAILABLE"), found.error)
