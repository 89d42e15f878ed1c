package import Consumers
package import EventSourcing
package import Postgres

/// A relay's access to the dead letters of its consumers.
package struct DeadLetterStore: Sendable {
    private let pool: any ConnectionLending
    private let table: DeadLettersTable
    private let events: EventsTable

    /// - Parameter pool: one connection is enough; consumers may share it.
    package init(_ pool: any ConnectionLending, tables: TableNames) {
        self.pool = pool
        table = DeadLettersTable(tables)
        events = EventsTable(tables.source)
    }

    /// What the table knows of segments that begin.
    struct Knowledge: Sendable {
        var waiting: [Int: [WaitingAggregate]] = [:]
        var known: [Int: [Int64: DeadLetter.State]] = [:]
        /// Where the segments halted under the worker that served them last.
        var halts: [SegmentHalt] = []
        /// The table has halts there, and the checkpoints have passed them: the worker before ended between the two.
        var passed: [Int64] = []
    }

    func know(_ consumer: String, _ segments: [ServedSegment]) async throws -> Knowledge {
        try await pool.withConnection { connection in
            let results = try await connection.pipeline([
                table.waiting(consumer, segments: segments.map(\.segment)),
                table.known(consumer, behind: segments.map { ($0.segment, $0.checkpoint) }),
            ])
            var knowledge = Knowledge()
            for row in results[0] {
                let waiting = try WaitingAggregate(row)
                knowledge.waiting[waiting.segment, default: []].append(waiting)
            }
            for row in results[1] {
                let segment: Int = try row.decode(0)
                let position: Int64 = try row.decode(1)
                let state = DeadLetter.State(rawValue: try row.decode(2)) ?? .parked
                if state == .halted, let served = segments.first(where: { $0.segment == segment }),
                    position <= served.checkpoint
                {
                    knowledge.passed.append(position)
                    continue
                }
                knowledge.known[segment, default: [:]][position] = state
                guard state == .halted else { continue }
                knowledge.halts.append(
                    SegmentHalt(segment: segment, position: position, reason: try row.decode(3)))
            }
            return knowledge
        }
    }

    func waiting(_ consumer: String, segments: [Int]) async throws -> [WaitingAggregate] {
        try await pool.withConnection { connection in
            try await connection.query(table.waiting(consumer, segments: segments)).map { try WaitingAggregate($0) }
        }
    }

    /// Records events, where their segments are still owned.
    ///
    /// - Returns: the epochs of the segments, of which only the rows under the same are there.
    @discardableResult
    func record(
        _ consumer: String, _ rows: [UndeliverableEvent], as state: DeadLetter.State
    ) async throws -> [Int: Int64] {
        try await pool.withConnection { connection in
            try await connection.query(table.record(consumer, rows, as: state)).reduce(into: [:]) { epochs, row in
                epochs[try row.decode(0)] = try row.decode(1, as: Int64.self)
            }
        }
    }

    /// Asks whether the table has an event: one row, one value.
    func holds(_ consumer: String, _ event: EventReference) -> BoundStatement { table.holds(consumer, event) }

    /// Those of the positions that an operator has decided about since their segments halted there.
    func decided(_ consumer: String, _ positions: [Int64]) async throws -> [Int64] {
        try await pool.withConnection { connection in
            try await connection.query(table.decided(consumer, positions)).map { try $0.decode(0) }
        }
    }

    func passed(_ consumer: String, _ positions: [Int64]) async throws {
        try await pool.withConnection { _ = try await $0.query(table.passed(consumer, positions)) }
    }

    /// Takes an aggregate's first events to be delivered, and reads them; positions in order. Takes none if the segment
    /// is served by another worker meanwhile.
    func take(
        _ consumer: String, _ aggregate: AggregateIdentity, in segment: ServedSegment, limit: Int, bytes: Int,
        largest: Int
    ) async throws -> (positions: [Int64], events: EventBatch) {
        try await pool.withConnection { connection in
            let taken = try await connection.query(table.take(consumer, aggregate, in: segment, limit: limit))
            let positions: [Int64] = try taken.map { try $0.decode(0) }
            let rows = try await connection.query(events.read(at: positions, maximumBytes: bytes, largest: largest))
            return (positions.sorted(), try events.batch(rows))
        }
    }

    /// Notes how a redrive ended, and gives how many events of the aggregate are parked now.
    func settle(
        _ consumer: String, _ aggregate: AggregateIdentity, in segment: ServedSegment, _ outcome: RedriveOutcome
    ) async throws -> Int {
        try await pool.withConnection { connection in
            let results = try await connection.pipeline([
                table.settle(consumer, in: segment, outcome), table.size(consumer, aggregate),
            ])
            return try results[1].first?.decode(0) ?? 0
        }
    }
}
