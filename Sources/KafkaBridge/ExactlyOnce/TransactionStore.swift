package import Consumers
package import EventSourcing
package import Postgres

/// A relay's access to what the database knows of exactly-once delivery.
package struct TransactionStore: Sendable {
    private let pool: any ConnectionLending
    private let table: SegmentOwnersTable
    private let events: EventsTable
    private let letters: DeadLettersTable

    /// - Parameters:
    ///   - pool: one connection is enough; consumers may share it.
    ///   - claims: whose deliveries these are.
    package init(
        _ pool: any ConnectionLending, tables: TableNames, claims: SegmentOwnersTable.Claims = .segments
    ) {
        self.pool = pool
        table = SegmentOwnersTable(tables, claims: claims)
        events = EventsTable(tables.source)
        letters = DeadLettersTable(tables)
    }

    /// What is recorded of a segment.
    struct Owner: Sendable, Equatable {
        /// `nil` where the segment was released in order.
        let transactionalID: String?
        let epoch: Int64
        let lineage: String?
    }

    func owners(_ consumer: String, _ segments: [Int]) async throws -> [Int: Owner] {
        try await pool.withConnection { connection in
            var owners: [Int: Owner] = [:]
            for row in try await connection.query(table.read(consumer, segments)) {
                owners[try row.decode(0)] = Owner(
                    transactionalID: try row.decodeIfPresent(1), epoch: try row.decode(2),
                    lineage: try row.decodeIfPresent(3))
            }
            return owners
        }
    }

    /// A segment whose owner was recorded.
    struct Recorded: Sendable, Equatable {
        let lineage: String
        /// As the database has it at that instant.
        let checkpoint: Int64
    }

    /// Records the id for segments whose rows are as they were read.
    ///
    /// - Parameter lineage: what those get that have none.
    /// - Returns: those that were recorded.
    func record(
        _ consumer: String, id: String, lineage: String, _ segments: [ServedSegment], former: [Int: Owner]
    ) async throws -> [Int: Recorded] {
        let claims = segments.map { segment in
            SegmentOwnersTable.Claim(
                segment: segment.segment, epoch: segment.epoch,
                former: former[segment.segment].map { ($0.transactionalID, $0.epoch) })
        }
        return try await pool.withConnection { connection in
            var recorded: [Int: Recorded] = [:]
            for row in try await connection.query(table.record(consumer, id: id, lineage: lineage, claims)) {
                recorded[try row.decode(0)] = Recorded(lineage: try row.decode(1), checkpoint: try row.decode(2))
            }
            return recorded
        }
    }

    /// Which of the segments are still claimed as they are served.
    func claimed(_ consumer: String, _ segments: [ServedSegment]) async throws -> Set<Int> {
        let claims = segments.map { ($0.segment, $0.epoch) }
        return try await pool.withConnection { connection in
            Set(try await connection.query(table.claimed(consumer, claims)).map { try $0.decode(0, as: Int.self) })
        }
    }

    func release(_ consumer: String, id: String, _ segments: [ServedSegment]) async throws {
        let claims = segments.map { ($0.segment, $0.epoch) }
        try await pool.withConnection { _ = try await $0.query(table.release(consumer, id: id, claims)) }
    }

    /// Forgets the owners of what is done for good.
    package func forget(_ consumer: String) async throws {
        try await pool.withConnection { _ = try await $0.query(table.forget(consumer)) }
    }

    /// The last events of segments that were parked among some, ascending.
    ///
    /// - Parameter limit: so many of each segment.
    func parked(
        _ consumer: String, _ asked: [DeadLettersTable.Passed], limit: Int
    ) async throws -> [Int: [Int64]] {
        try await pool.withConnection { connection in
            var parked: [Int: [Int64]] = [:]
            for row in try await connection.query(letters.setAside(consumer, asked, limit: limit)) {
                parked[try row.decode(0), default: []].append(try row.decode(1))
            }
            return parked.mapValues { $0.sorted() }
        }
    }

    /// The aggregates of those among some positions that the table of dead letters has rows of, whatever their states.
    func aggregates(_ consumer: String, _ positions: [Int64]) async throws -> [Int64: String] {
        try await pool.withConnection { connection in
            var found: [Int64: String] = [:]
            for row in try await connection.query(letters.aggregates(consumer, of: positions)) {
                found[try row.decode(0)] = try row.decode(1)
            }
            return found
        }
    }

    /// Those of the events that the database does not have.
    func missing(_ references: [EventReference]) async throws -> [EventReference] {
        try await pool.withConnection { connection in
            let results = try await connection.pipeline(references.map { events.holds($0) })
            return try zip(references, results).filter { try $0.1.first?.decode(0, as: Bool.self) != true }.map(\.0)
        }
    }
}
