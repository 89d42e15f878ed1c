"""A hand-made client for what no library lets one do: batches sent twice, with gaps, broken or fenced."""

import socket
import struct

from kafka.record._crc32c import crc as crc32c_pure  # noqa: F401  (present in all versions in use)


def crc32c(data):
    return crc32c_pure(data)


def string(text):
    if text is None:
        return struct.pack(">h", -1)
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def record(delta, key, value):
    body = b"\0" + varint(0) + varint(delta)
    body += varint(-1) if key is None else varint(len(key)) + key
    body += varint(-1) if value is None else varint(len(value)) + value
    body += varint(0)
    return varint(len(body)) + body


def batch(
    values, pid=-1, epoch=-1, sequence=-1, key=b"k", timestamp=None, attributes=0, base_offset=0, count=None, last=None,
    break_crc=False,
):
    import time

    timestamp = int(time.time() * 1000) if timestamp is None else timestamp
    records = b"".join(record(i, key, value) for i, value in enumerate(values))
    count = len(values) if count is None else count
    last = len(values) - 1 if last is None else last
    tail = struct.pack(">hiqqqhii", attributes, last, timestamp, timestamp, pid, epoch, sequence, count) + records
    crc = crc32c(tail) ^ (1 if break_crc else 0)
    body = struct.pack(">ibI", -1, 2, crc) + tail
    return struct.pack(">qi", base_offset, len(body)) + body


class Raw:
    """One connection, to the leader of the partitions it is used with."""

    def __init__(self, brokers):
        host, port = brokers.split(",")[0].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.number = 0

    def call(self, key, version, body):
        self.number += 1
        frame = struct.pack(">hhi", key, version, self.number) + string("raw") + body
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)
        size = struct.unpack(">i", self.exactly(4))[0]
        answer = self.exactly(size)
        assert struct.unpack(">i", answer[:4])[0] == self.number
        return answer[4:]

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError("the broker closed the connection")
            data += part
        return data

    def producer_id(self, transactional_id=None, timeout=60_000):
        answer = self.call(22, 1, string(transactional_id) + struct.pack(">i", timeout))
        _, error, pid, epoch = struct.unpack(">ihqh", answer)
        assert error == 0, error
        return pid, epoch

    def produce(self, topic, records, acks=-1, transactional_id=None, partition=0):
        body = string(transactional_id) + struct.pack(">hii", acks, 10_000, 1) + string(topic)
        body += struct.pack(">iii", 1, partition, len(records)) + records
        answer = self.call(0, 7, body)
        length = struct.unpack(">h", answer[4:6])[0]
        _, error, offset, _, _ = struct.unpack(">ihqqq", answer[10 + length : 40 + length])
        return error, offset
