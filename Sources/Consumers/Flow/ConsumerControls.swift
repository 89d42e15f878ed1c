package import EventSourcing
package import Postgres

/// Pauses, resumes and bounds consumers. What is ordered is kept in the database: it holds for all processes, also for
/// those that start later, until it is taken back.
package struct ConsumerControls: Sendable {
    private let tables: TableNames
    private let channel: String?

    /// - Parameter channel: where relays listen, so that they notice at once; else they do with their next heartbeat.
    package init(_ tables: TableNames, channel: String?) {
        self.tables = tables
        self.channel = channel
    }

    /// What holds after a change.
    package struct Outcome: Sendable, Equatable {
        package let control: ConsumerControl
        /// Whether it was otherwise before.
        package let isNew: Bool
    }

    /// The names of the consumers that have been started once.
    package func names(on session: some PostgresSession) async throws(PostgresError) -> [String] {
        var names: [String] = []
        for row in try await session.query(SegmentsTable(tables).names) { names.append(try row.decode(0)) }
        return names
    }

    /// Makes the change, and audits it in the same transaction.
    package func apply(
        _ change: ControlChange, to consumer: String, by actor: String, on connection: Connection
    ) async throws -> Outcome {
        let table = ControlsTable(tables)
        let entry = AuditEntry(
            actor: actor, action: change.action, subject: "consumer \(consumer)", details: change.details)
        return try await connection.withTransaction { transaction in
            let rows = try await transaction.query(table.apply(change, to: consumer, by: actor))
            try await transaction.query(AuditLog(tables).record(entry))
            if let channel { try await transaction.query(table.tell(channel)) }
            guard let row = rows.first else {
                throw PostgresError(.misuse, "the change of consumer \(consumer) gave no row")
            }
            return Outcome(
                control: ConsumerControl(isPaused: try row.decode(0), rate: try row.decodeIfPresent(1)),
                isNew: try row.decode(2))
        }
    }
}
