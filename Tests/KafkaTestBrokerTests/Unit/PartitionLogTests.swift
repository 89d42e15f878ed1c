import NIOCore
import Testing

@testable import KafkaTestBroker

@Suite("Partition log")
struct PartitionLogTests {
    private func settings(_ values: [String: String]) -> TopicSettings {
        var settings = TopicSettings(maxMessageBytes: 1 << 20, retentionBytes: -1)
        for (name, value) in values {
            let isKnown = settings.set(name, value)
            #expect(isKnown)
        }
        return settings
    }

    private func append(
        _ items: [Batches.Item], to log: PartitionLog, _ settings: TopicSettings, producerID: Int64 = -1,
        sequence: Int32 = -1, transactional: Bool = false, now: Int64 = 0
    ) throws {
        let bytes = Batches.make(
            items, producerID: producerID, epoch: producerID < 0 ? -1 : 0, sequence: sequence,
            transactional: transactional)
        let header = try #require(RecordBatchHeader(bytes))
        log.producers.record(try log.append(bytes, header: header, leaderEpoch: 0, now: now, settings: settings))
    }

    private func mark(_ producerID: Int64, commits: Bool, in log: PartitionLog, _ settings: TopicSettings) throws {
        let marker = TransactionMarker(producerID: producerID, epoch: 0, commits: commits, coordinatorEpoch: 0)
        let batch = marker.batch(timestamp: 0)
        let header = try #require(RecordBatchHeader(batch))
        log.note(marker, at: try log.append(batch, header: header, leaderEpoch: 0, now: 0, settings: settings))
    }

    private func contents(_ log: PartitionLog) throws -> [String] {
        try log.read(from: log.startOffset, limit: log.endOffset, maxBytes: .max, atLeastOne: true).batches.flatMap {
            batch in
            try RecordSet(batch).records().compactMap { record in
                guard let header = RecordBatchHeader(batch), !header.isControl else { return nil }
                return "\(record.offset):\(record.key.map { String(buffer: $0) } ?? "-")="
                    + (record.value.map { String(buffer: $0) } ?? "null")
            }
        }
    }

    @Test func `compaction keeps the last record of each key in closed segments, at its offset`() throws {
        let settings = settings([
            "cleanup.policy": "compact", "delete.retention.ms": "10", "min.cleanable.dirty.ratio": "0",
        ])
        let log = PartitionLog(now: 0)
        try append([.init(key: "a", value: "1"), .init(key: "b", value: "1")], to: log, settings)
        try append([.init(key: "a", value: "2"), .init(key: "c", value: nil)], to: log, settings)
        try append(
            [.init(key: "d", value: "1", timestamp: 500), .init(key: "e", value: nil, timestamp: 500)], to: log,
            settings)
        try log.roll(now: 0)
        try append([.init(key: "b", value: "2")], to: log, settings)
        try log.compact(now: 505, settings: settings)
        // The active segment is not looked at: b stays at its old value until that is closed.
        #expect(try contents(log) == ["1:b=1", "2:a=2", "4:d=1", "5:e=null", "6:b=2"])
        try log.roll(now: 0)
        try log.compact(now: 1000, settings: settings)
        #expect(try contents(log) == ["2:a=2", "4:d=1", "6:b=2"])
        #expect(log.endOffset == 7)
    }

    @Test func `compaction drops aborted records and stops at an open transaction`() throws {
        let settings = settings(["cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0"])
        let log = PartitionLog(now: 0)
        try append([.init(key: "a", value: "kept")], to: log, settings)
        try append(
            [.init(key: "a", value: "aborted")], to: log, settings, producerID: 1, sequence: 0, transactional: true)
        try mark(1, commits: false, in: log, settings)
        try log.roll(now: 0)
        try append([.init(key: "x", value: "1")], to: log, settings, producerID: 2, sequence: 0, transactional: true)
        try log.roll(now: 0)
        try append([.init(key: "x", value: "2")], to: log, settings)
        try log.roll(now: 0)
        try log.compact(now: 0, settings: settings)
        #expect(try contents(log) == ["0:a=kept", "3:x=1", "4:x=2"])
    }

    @Test func `retention drops whole old segments, by time and by size`() throws {
        let byTime = settings(["retention.ms": "100"])
        let log = PartitionLog(now: 0)
        try append([.init(value: "old", timestamp: 10)], to: log, byTime)
        try log.roll(now: 0)
        try append([.init(value: "young", timestamp: 950)], to: log, byTime)
        #expect(try log.applyRetention(now: 1000, settings: byTime))
        #expect(log.startOffset == 1)
        #expect(try contents(log) == ["1:-=young"])

        let bySize = settings(["retention.bytes": "150", "segment.bytes": "80"])
        let other = PartitionLog(now: 0)
        for _ in 0..<10 { try append([.init(value: "x")], to: other, bySize) }
        _ = try other.applyRetention(now: 0, settings: bySize)
        #expect(other.size >= 150 && other.size <= 230 && other.endOffset == 10)
    }

    @Test func `readers of committed data stop at the first open transaction and learn of the aborted ones`() throws {
        let settings = settings([:])
        let log = PartitionLog(now: 0)
        try append([.init(value: "a")], to: log, settings, producerID: 1, sequence: 0, transactional: true)
        try append([.init(value: "b")], to: log, settings, producerID: 2, sequence: 0, transactional: true)
        #expect(log.lastStableOffset == 0)
        try mark(1, commits: false, in: log, settings)
        #expect(log.lastStableOffset == 1)
        try mark(2, commits: true, in: log, settings)
        #expect(log.lastStableOffset == 4)
        #expect(log.aborted(from: 0, to: 4) == [.init(producerID: 1, firstOffset: 0, lastOffset: 2)])
        #expect(log.aborted(from: 3, to: 4).isEmpty)
    }

    @Test func `a read gives whole batches, one at least, and no more than asked for`() throws {
        let settings = settings([:])
        let log = PartitionLog(now: 0)
        for index in 0..<10 { try append([.init(value: "\(index)"), .init(value: "x")], to: log, settings) }
        let size = try #require(log.batch(atOrAfter: 0)).size
        #expect(log.read(from: 3, limit: 20, maxBytes: 0, atLeastOne: true).batches.count == 1)
        #expect(log.read(from: 3, limit: 20, maxBytes: 0, atLeastOne: false).batches.isEmpty)
        let two = log.read(from: 3, limit: 20, maxBytes: size * 5 / 2, atLeastOne: true)
        #expect(two.batches.count == 2 && two.nextOffset == 6)
        #expect(log.bytesAvailable(from: 3, limit: 20) == size * 9)
        #expect(log.bytesAvailable(from: 20, limit: 20) == 0)
    }
}
