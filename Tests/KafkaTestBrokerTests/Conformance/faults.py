"""Own broker only: faults by the control endpoint, and what an idempotent producer makes of them."""

import json
import urllib.request

from common import *

CONTROL = sys.argv[2]


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"http://{CONTROL}{path}", method=method, data=data)) as answer:
        return json.loads(answer.read())


def run(name, fault, count=600, **settings):
    topic = new_topic("fault")
    number = control("POST", "/faults", {"request": "Produce", "topic": topic, **fault})["number"] if fault else None
    client = producer(
        enable_idempotence=True, linger_ms=0, batch_num_messages=20, socket_timeout_ms=1500, retry_backoff_ms=20, **settings)
    failed = []
    for i in range(count):
        client.produce(topic, b"%d" % i, on_delivery=lambda e, m: e and failed.append(e.name()))
        client.poll(0)
    assert client.flush(DEADLINE) == 0
    got = [int(v) for v in values(topic)]
    hits = control("GET", f"/faults/{number}")["hits"] if fault else 0
    control("DELETE", "/faults")
    check(f"{name}: once each and in order", not failed and got == list(range(count)), (failed[:3], len(got)))
    if fault:
        check(f"{name}: struck as often as told", hits == fault["count"], hits)


run("no fault", None)
run("answers dropped", {"action": "dropAnswer", "skip": 2, "count": 2})
run("the first answer dropped", {"action": "dropAnswer", "count": 1})
run("cut in mid-frame", {"action": "disconnectMidFrame", "skip": 1, "count": 2})
run("connections cut", {"action": "disconnect", "skip": 1, "count": 2})
run("no answer", {"action": "hang", "skip": 2, "count": 1})
run("refused", {"action": "refuse", "error": "NOT_LEADER_OR_FOLLOWER", "skip": 3, "count": 3})
run("refused by number", {"action": "refuse", "error": 19, "skip": 3, "count": 3})
run("refused after the append",
    {"action": "applyThenRefuse", "error": "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "skip": 2, "count": 3})
run("late", {"action": "delay", "milliseconds": 200, "skip": 1, "count": 2})
run("throttled", {"action": "throttle", "milliseconds": 100, "skip": 1, "count": 2})

topic = new_topic("moved")
client = producer(enable_idempotence=True, linger_ms=0)
send(client, topic, [{"value": b"1"}])
control("POST", "/move-leader", {"topic": topic, "node": 2})
send(client, topic, [{"value": b"2"}])
check("a moved leader is found", values(topic) == [b"1", b"2"])
leader = consumer().list_topics(topic, timeout=DEADLINE).topics[topic].partitions[0].leader
check("and named in the metadata", leader == 2, leader)

control("POST", "/lose-producer-state", {"topic": topic})
reports = send(client, topic, [{"value": b"3"}])
check("a producer unknown again goes on", reports[0][0] is None and values(topic) == [b"1", b"2", b"3"])

control("POST", "/freeze", {})
report = []
client.produce(topic, b"4", on_delivery=lambda e, m: report.append(e))
client.poll(1)
check("a frozen broker answers nothing", report == [])
control("POST", "/thaw", {})
client.flush(DEADLINE)
check("and goes on after", report == [None] and values(topic)[-1] == b"4", report)

control("POST", "/disconnect", {})
send(client, topic, [{"value": b"5"}])
check("clients come back after a cut", values(topic)[-1] == b"5")

topic = new_topic("markers")
committed = lambda: values(topic, isolation_level="read_committed")
client = producer(transactional_id=f"t-{topic}")
client.init_transactions(DEADLINE)
number = control(
    "POST", "/faults", {"action": "holdMarkers", "request": "EndTxn", "transactional_id": f"t-{topic}"})["number"]
client.begin_transaction()
client.produce(topic, b"1")
client.commit_transaction(DEADLINE)
check("a commit does not show without its markers", committed() == [])
control("DELETE", f"/faults/{number}")
check("and shows with them", committed() == [b"1"])

control("POST", "/faults", {"action": "delayMarkers", "milliseconds": 300, "request": "EndTxn", "count": 1})
client.begin_transaction()
client.produce(topic, b"2")
client.commit_transaction(DEADLINE)
client.begin_transaction()
client.produce(topic, b"3")
client.commit_transaction(DEADLINE)
check("the next transaction waits for late ones", eventually(lambda: committed() == [b"1", b"2", b"3"]), committed())

client.begin_transaction()
client.produce(topic, b"4")
client.flush(DEADLINE)
for node in (1, 2):
    control("POST", "/move-transaction-coordinator",
            {"transactional_id": f"t-{topic}", "node": node, "milliseconds": 200})
client.commit_transaction(DEADLINE)
check("a moved coordinator commits", eventually(lambda: committed() == [b"1", b"2", b"3", b"4"]), committed())
