import Consumers
import EventSourcing
import Postgres

/// What a consumer says that it has delivered, by segment: how far, from where on, and of which events.
struct DuePositions: Sendable {
    private var checkpoints: [Int: Int64] = [:]
    private let scopes: ScopeHistory
    private let expectsEverything: Bool
    private let strategy: any PartitionStrategy = FNV1aPartitionStrategy()

    /// Whether the consumer was ever started.
    var isKnown: Bool { !checkpoints.isEmpty }
    /// Everything up to here is delivered, or was not to be; `nil` where the consumer was never started.
    var lowest: Int64? { checkpoints.values.min() }
    /// Something up to here is delivered.
    var highest: Int64? { checkpoints.values.max() }

    /// - Parameter expectsEverything: whether events are due although the consumer was never started.
    init(
        _ consumer: String, tables: TableNames, expectsEverything: Bool = false, on session: some PostgresSession
    ) async throws(PostgresError) {
        self.expectsEverything = expectsEverything
        for row in try await session.query(SegmentsTable(tables).checkpoints(consumer)) {
            checkpoints[try row.decode(0)] = try row.decode(1)
        }
        scopes = try await ScopesTable(tables).read(consumer, on: session)
    }

    /// What of events is looked into to judge them.
    var parts: Set<EventCondition.Part> { scopes.parts }

    enum Judgement: Sendable, Equatable {
        /// The event should have been delivered.
        case due
        /// It lies behind the checkpoint.
        case pending
        /// The consumer began later, or did not want it at the time.
        case passedOver
        /// An earlier version, which kept no record, passed it.
        case unrecorded
    }

    func judge(_ event: EventView) -> Judgement {
        guard isKnown else { return expectsEverything ? .due : .pending }
        let segment = strategy.segment(of: event.aggregateID, totalSegments: checkpoints.count)
        if let checkpoint = checkpoints[segment], event.globalPosition > checkpoint { return .pending }
        return switch scopes.judge(event, segment: segment) {
        case .wanted: .due
        case .beforeStart, .outsideScope: .passedOver
        case .unrecorded: .unrecorded
        }
    }
}
