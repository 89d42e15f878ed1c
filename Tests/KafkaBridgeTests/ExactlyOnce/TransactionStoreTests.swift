import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// What the database records of exactly-once delivery.
@Suite struct TransactionStoreTests {
    private static let consumer = "identity"

    /// A store, and a consumer with two segments that are claimed under the epoch 5.
    private func withStore(_ body: (TransactionStore, TestStore, Connection) async throws -> Void) async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let segments = SegmentsTable(test.tables)
            _ = try await connection.query(segments.initialize(Self.consumer, totalSegments: 2, start: 0))
            try await connection.execute(
                script: "UPDATE \(test.tables.consumerSegments.sql) SET epoch = 5, owner_id = 'worker', checkpoint = 7")
            let store = TransactionStore(OwnConnection(try test.configuration), tables: test.tables)
            try await body(store, test, connection)
            await connection.close()
        }
    }

    private func served(_ segment: Int, epoch: Int64 = 5) -> ServedSegment {
        ServedSegment(segment: segment, checkpoint: 0, epoch: epoch, attempt: 0)
    }

    @Test func `an id is recorded once, keeps its lineage, and is forgotten when it is released`() async throws {
        try await withStore { store, _, _ in
            let first = try await store.record(
                Self.consumer, id: "a", lineage: "l1", [served(0), served(1)], former: [:])
            #expect(first.mapValues(\.lineage) == [0: "l1", 1: "l1"])
            let owners = try await store.owners(Self.consumer, [0, 1])
            #expect(owners[0] == .init(transactionalID: "a", epoch: 5, lineage: "l1"))
            try await store.release(Self.consumer, id: "another", [served(0)])
            #expect(try await store.owners(Self.consumer, [0])[0]?.transactionalID == "a")
            try await store.release(Self.consumer, id: "a", [served(0, epoch: 4)])
            #expect(try await store.owners(Self.consumer, [0])[0]?.transactionalID == "a", "of an earlier claim")
            try await store.release(Self.consumer, id: "a", [served(0)])
            let released = try await store.owners(Self.consumer, [0])
            #expect(released[0] == .init(transactionalID: nil, epoch: 5, lineage: "l1"))
            let again = try await store.record(
                Self.consumer, id: "b", lineage: "l2", [served(0)], former: released)
            #expect(again[0] == .init(lineage: "l1", checkpoint: 7), "what was recorded in Kafka still counts")
        }
    }

    @Test func `a claim that is over records nothing, nor one that another was faster than`() async throws {
        try await withStore { store, _, _ in
            #expect(
                try await store.record(
                    Self.consumer, id: "old", lineage: "l", [served(0, epoch: 4)], former: [:]
                ).isEmpty)
            #expect(try await store.claimed(Self.consumer, [served(0, epoch: 4), served(1)]) == [1])
            let former = try await store.owners(Self.consumer, [0])
            _ = try await store.record(Self.consumer, id: "a", lineage: "l", [served(0)], former: former)
            #expect(
                try await store.record(Self.consumer, id: "b", lineage: "l", [served(0)], former: former).isEmpty,
                "the row is not as it was read")
        }
    }

    @Test func `behind an acceptance nothing counts that was recorded before`() async throws {
        try await withStore { store, test, connection in
            _ = try await store.record(Self.consumer, id: "a", lineage: "l1", [served(0)], former: [:])
            _ = try await connection.query(SegmentOwnersTable(test.tables).restart([Self.consumer]))
            let former = try await store.owners(Self.consumer, [0])
            #expect(former[0]?.lineage == nil && former[0]?.transactionalID == "a", "it is still to be ended")
            let again = try await store.record(
                Self.consumer, id: "b", lineage: "l2", [served(0)], former: former)
            #expect(again[0]?.lineage == "l2")
        }
    }
}
