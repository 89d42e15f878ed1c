"""Produces and consumes records of 1 KB against a broker of its own. Arguments: the tool, `memory` or a directory, records."""

import os
import subprocess
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

TOOL, DATA, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
command = [TOOL, "serve"] + ([] if DATA == "memory" else ["--data", DATA])
broker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
address = broker.stdout.readline().strip()
size = 1024


def resident():
    with open(f"/proc/{broker.pid}/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))


def processor():
    with open(f"/proc/{broker.pid}/stat") as stat:
        fields = stat.read().split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


try:
    before = resident()
    client = Producer({
        "bootstrap.servers": address, "enable.idempotence": True, "acks": "all", "linger.ms": 5,
        "queue.buffering.max.messages": 50_000, "queue.buffering.max.kbytes": 131_072, "batch.num.messages": 10_000,
    })
    value, failed = os.urandom(size), []

    def report(error, message):
        if error:
            failed.append(error)

    client.list_topics(timeout=10)
    start, used = time.time(), processor()
    for number in range(COUNT):
        while True:
            try:
                client.produce("bench", value, on_delivery=report)
                break
            except BufferError:
                client.poll(0.01)
        if number % 1000 == 0:
            client.poll(0)
    assert client.flush(120) == 0 and not failed, failed[:3]
    took = time.time() - start
    print(f"{'memory' if DATA == 'memory' else 'directory'}: produced {COUNT / took:,.0f}/s "
          f"({COUNT * size / took / 1e6:,.0f} MB/s), broker's processor {100 * (processor() - used) / took:.0f}%, "
          f"resident {before} MB -> {resident()} MB for {COUNT * size >> 20} MB of values")

    reader = Consumer({
        "bootstrap.servers": address, "group.id": "bench", "enable.auto.commit": False,
        "queued.min.messages": 1_000_000, "fetch.message.max.bytes": 4 << 20, "queued.max.messages.kbytes": 262_144,
    })
    reader.assign([TopicPartition("bench", 0, 0)])
    seen, start, used = 0, time.time(), processor()
    while seen < COUNT:
        seen += len(reader.consume(10_000, 10))
    took = time.time() - start
    print(f"{'memory' if DATA == 'memory' else 'directory'}: consumed {COUNT / took:,.0f}/s "
          f"({COUNT * size / took / 1e6:,.0f} MB/s), broker's processor {100 * (processor() - used) / took:.0f}%, "
          f"resident {resident()} MB")
    reader.close()
finally:
    broker.kill()
