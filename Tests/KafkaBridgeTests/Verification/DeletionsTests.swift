import Kafka
import TestSupport
import Testing

@testable import KafkaBridge

/// What it can mean that a record is not there, by what its topic deletes.
@Suite struct DeletionsTests {
    private let key: [UInt8] = Array("user-1".utf8)

    private func partition(_ count: Int32) -> TopicPartition {
        TopicPartition("t", Murmur2Partitioner.partition(forKey: key.span.bytes, of: count))
    }

    private func fate(_ deletions: Deletions, at time: Int64, earlier: TopicPartition? = nil) -> Deletions.Fate {
        deletions.fate(topic: "t", key: key.span.bytes, milliseconds: time, earlier: earlier)
    }

    @Test func `a record behind the first one that is left was kept, one before it may be deleted`() {
        let deletions = Deletions(
            edges: [partition(8): 1_000], partitionCounts: ["t": 8], cleanups: ["t": .keepsAll])
        #expect(fate(deletions, at: 999) == .deleted && fate(deletions, at: 1_000) == .deleted)
        #expect(fate(deletions, at: 1_001) == .kept)
        // An earlier one of its aggregate is there still, so that it would be too.
        #expect(fate(deletions, at: 999, earlier: partition(8)) == .kept)
        #expect(Self.none(deletions) == .kept)
    }

    /// Where nothing was deleted.
    private static func none(_ deletions: Deletions) -> Deletions.Fate {
        let key: [UInt8] = Array("user-1".utf8)
        return Deletions(partitionCounts: deletions.partitionCounts, cleanups: deletions.cleanups)
            .fate(topic: "t", key: key.span.bytes, milliseconds: 1, earlier: nil)
    }

    @Test func `in a topic that has grown a record may lie where its key led before`() throws {
        // The key's partition of today was never cut, that of one partition was.
        let deletions = Deletions(
            edges: [TopicPartition("t", 0): 1_000], partitionCounts: ["t": 8], cleanups: ["t": .keepsAll])
        try #require(partition(8).partition != 0)
        #expect(fate(deletions, at: 999) == .deleted && fate(deletions, at: 1_001) == .kept)
        // An earlier record in today's partition does not tell of the other one.
        #expect(fate(deletions, at: 999, earlier: partition(8)) == .deleted)
        #expect(fate(deletions, at: 999, earlier: TopicPartition("t", 0)) == .kept)
    }

    @Test(arguments: [Deletions.Cleanup.compacts, .unknown("no right")])
    func `where later records may replace earlier ones, those of its key tell`(cleanup: Deletions.Cleanup) {
        let deletions = Deletions(partitionCounts: ["t": 8], cleanups: ["t": cleanup])
        #expect(fate(deletions, at: 1) == .compacted)
        var traces = KeyTraces(keys: [7])
        #expect(traces.trace(key: 7, position: 5) == .none)
        traces.found(key: 7, position: 4)
        traces.found(key: 8, position: nil)
        #expect(traces.trace(key: 7, position: 5) == .earlierOnly && traces.trace(key: 7, position: 3) == .replaced)
        // A tombstone, or another producer's record.
        traces.found(key: 7, position: nil)
        #expect(traces.trace(key: 7, position: 5) == .replaced)
    }
}
