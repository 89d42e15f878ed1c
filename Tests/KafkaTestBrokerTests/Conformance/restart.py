"""Own broker only: kills the process in mid-stream and looks at what is left. Arguments: the tool, a data directory."""

import os
import signal
import subprocess
import sys

TOOL, DATA = sys.argv[1:3]


def start(port="0", *options):
    arguments = [TOOL, "serve", "--port", port, "--data", DATA, *options]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


process, brokers = start()
sys.argv = [sys.argv[0], brokers]
from common import *  # noqa: E402

PORT = brokers.rsplit(":", 1)[1]


def kill_and_restart(*options):
    global process
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process, again = start(PORT, *options)
    assert again == brokers, again


try:
    topic = new_topic("kept", partitions=2, config={"retention.ms": "-1", "segment.bytes": "20000"})
    group = f"g-{uuid.uuid4().hex[:8]}"
    open_name = f"t-{uuid.uuid4().hex[:8]}"
    committed = new_topic("txn")
    transactional = producer(transactional_id=open_name)
    transactional.init_transactions(DEADLINE)
    transactional.begin_transaction()
    transactional.produce(committed, b"first")
    transactional.commit_transaction(DEADLINE)
    transactional.begin_transaction()
    transactional.produce(committed, b"before the kill")
    transactional.flush(DEADLINE)

    client = producer(enable_idempotence=True, linger_ms=1, batch_size=8000, reconnect_backoff_max_ms=200)
    failed, count = [], 0
    for round in range(3):
        for _ in range(5000):
            client.produce(topic, b"%d" % count, partition=0, on_delivery=lambda e, m: e and failed.append(e))
            count += 1
            if count % 50 == 0:
                client.poll(0)
        kill_and_restart()
    assert client.flush(60) == 0
    check("every record is acknowledged in the end", not failed, failed[:3])
    check("none is lost, doubled or out of order", values(topic) == [b"%d" % i for i in range(count)])

    check("an open transaction is still open", values(committed) == [b"first"], values(committed))
    transactional.produce(committed, b"after the kill")
    transactional.commit_transaction(DEADLINE)
    shown = [b"first", b"before the kill", b"after the kill"]
    check("and can be committed", eventually(lambda: values(committed) == shown), values(committed))

    # Markers that would come in an hour: what the answer promised is there after a kill all the same.
    kill_and_restart("--marker-delay", "3600000")
    transactional.begin_transaction()
    transactional.produce(committed, b"decided")
    transactional.commit_transaction(DEADLINE)
    check("a commit whose markers are not written does not show yet", values(committed) == shown, values(committed))
    kill_and_restart()
    shown.append(b"decided")
    check("and is completed after a kill", values(committed) == shown, values(committed))

    reader = consumer(group_id=group)
    reader.commit(offsets=[TopicPartition(topic, 0, 1234, "note")], asynchronous=False)
    reader.close()
    successor = producer(transactional_id=open_name)
    successor.init_transactions(DEADLINE)
    successor.begin_transaction()
    successor.produce(committed, b"aborted")
    successor.flush(DEADLINE)
    kill_and_restart()
    kept = consumer(group_id=group).committed([TopicPartition(topic, 0)], DEADLINE)[0]
    check("committed offsets are kept", kept.offset == 1234, kept)
    third = producer(transactional_id=open_name)
    third.init_transactions(DEADLINE)
    check("a transaction across a kill can be fenced off", values(committed)[-1] == b"decided")
    try:
        successor.commit_transaction(DEADLINE)
        error = None
    except KafkaException as caught:
        error = caught
    check("with its producer", error is not None)
    third.begin_transaction()
    third.produce(committed, b"last")
    third.commit_transaction(DEADLINE)
    last = [b"decided", b"last"]
    check("aborted records stay hidden", eventually(lambda: values(committed)[-2:] == last), values(committed))

    gone = new_topic("gone")
    send(producer(), gone, [{"value": b"x"}])
    admin().delete_topics([gone])[gone].result(DEADLINE)
    kill_and_restart()
    names = admin().list_topics(timeout=DEADLINE).topics
    check("topics are kept, and deleted ones stay away", topic in names and gone not in names)
    files = [f for f in os.listdir(f"{DATA}/topics/{topic}-0") if f.endswith(".log")]
    check("the log has several segments", len(files) > 1, files)

    # What a crash of the machine could leave: half a batch at the end.
    process.send_signal(signal.SIGKILL)
    process.wait()
    last = f"{DATA}/topics/{topic}-0/{sorted(files)[-1]}"
    with open(last, "ab") as file:
        file.write(b"\0" * 40)
    process, _ = start(PORT)
    check("a torn end is cut off", values(topic) == [b"%d" % i for i in range(count)])
    reports = send(producer(), topic, [{"value": b"more", "partition": 0}])
    check("and written over", reports[0][0] is None and reports[0][1].offset() == count, reports[0][1].offset())
finally:
    process.kill()
