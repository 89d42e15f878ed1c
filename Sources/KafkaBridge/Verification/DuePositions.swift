import Consumers
import EventSourcing
import Postgres

/// How far a consumer says that it has delivered, by segment.
struct DuePositions: Sendable {
    private var checkpoints: [Int: Int64] = [:]
    private let strategy: any PartitionStrategy = FNV1aPartitionStrategy()

    /// Whether the consumer was ever started.
    var isKnown: Bool { !checkpoints.isEmpty }

    init(_ consumer: String, tables: TableNames, on session: some PostgresSession) async throws(PostgresError) {
        for row in try await session.query(SegmentsTable(tables).checkpoints(consumer)) {
            checkpoints[try row.decode(0)] = try row.decode(1)
        }
    }

    /// Whether the event should have been delivered. Without checkpoints every event should.
    func isDue(_ event: EventView) -> Bool {
        guard isKnown else { return true }
        let segment = strategy.segment(of: event.aggregateID, totalSegments: checkpoints.count)
        return checkpoints[segment].map { event.globalPosition <= $0 } ?? true
    }
}
