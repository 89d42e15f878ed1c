package import EventSourcing
package import Postgres

/// The SQL of the table `registered_consumers`: each consumer with the source that it reads, from the moment that it is known.
package struct RegistrationsTable: Sendable {
    private let table: TableName
    private let prunings: TableName
    private let segments: TableName
    private let events: String
    private let history: PruningsTable

    package init(_ tables: TableNames) {
        history = PruningsTable(tables)
        table = tables.godwitTable("registered_consumers")
        prunings = tables.godwitTable("prunings")
        segments = tables.consumerSegments
        events = tables.events.text
    }

    /// Whether the consumer is registered with this start: one row, one value.
    func isRegistered(_ consumer: String, _ start: StartPosition) -> BoundStatement {
        let sql = """
            SELECT EXISTS (SELECT FROM \(table.sql) WHERE events_table = $1 AND consumer_name = $2
                AND begins_after IS NOT DISTINCT FROM $3::bigint)
            """
        return BoundStatement(
            Statement(name: "registrations_has", sql: sql), [events, consumer, start.beginsAfter])
    }

    /// Registers the consumer, or notes another start of one that has not begun. In a transaction that shares
    /// ``RetentionLock``.
    func register(_ consumer: String, _ start: StartPosition, by actor: String) -> [BoundStatement] {
        let sql = """
            INSERT INTO \(table.sql) AS known (events_table, consumer_name, begins_after, registered_by)
            VALUES ($1, $2, $3, $4) ON CONFLICT (events_table, consumer_name)
            DO UPDATE SET begins_after = excluded.begins_after
            WHERE known.begins_after IS DISTINCT FROM excluded.begins_after
            """
        let register = BoundStatement(
            Statement(name: "registrations_register", sql: sql), [events, consumer, start.beginsAfter, actor])
        return start.beginsAfter.map { [history.setBack(to: $0), register] } ?? [register]
    }

    /// Notes what had been removed of what a consumer would have begun with, if anything: gives the last position.
    func noteBeginning(_ consumer: String) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS known SET began_without = prunings.through_position
            FROM \(prunings.sql) AS prunings WHERE prunings.events_table = known.events_table
            AND known.events_table = $1 AND known.consumer_name = $2 AND prunings.through_position >
                (SELECT min(checkpoint) FROM \(segments.sql) WHERE consumer_name = $2)
            RETURNING prunings.through_position
            """
        return BoundStatement(Statement(name: "registrations_began", sql: sql), [events, consumer])
    }

    /// Every consumer that began without rows which had been removed: consumer, the last position removed by then.
    var incomplete: BoundStatement {
        let sql = """
            SELECT consumer_name, began_without FROM \(table.sql)
            WHERE events_table = $1 AND began_without IS NOT NULL
            """
        return BoundStatement(Statement(name: "registrations_incomplete", sql: sql), [events])
    }

    /// Registers consumers of a configuration, in one transaction.
    ///
    /// - Returns: those that were not registered before.
    @discardableResult
    package static func register(
        _ consumers: [(name: String, start: StartPosition)], by actor: String, _ tables: TableNames,
        on connection: Connection
    ) async throws(PostgresError) -> [String] {
        let table = RegistrationsTable(tables)
        do {
            return try await connection.withTransaction { transaction in
                try await transaction.query(RetentionLock(tables).share)
                let known = Set(try await transaction.query(table.names).map { try $0.decode(0, as: String.self) })
                let new = consumers.filter { !known.contains($0.name) }
                for consumer in new {
                    _ = try await transaction.pipeline(table.register(consumer.name, consumer.start, by: actor))
                }
                return new.map(\.name)
            }
        } catch {
            throw (error as? PostgresError) ?? PostgresError(.cancelled, "\(error)")
        }
    }

    /// The consumers that are registered with this source.
    private var names: BoundStatement {
        BoundStatement(Statement("SELECT consumer_name FROM \(table.sql) WHERE events_table = $1"), [events])
    }
}

extension StartPosition {
    /// The position behind which a consumer that has not begun wants what is there; `nil` where it wants nothing of that.
    var beginsAfter: Int64? {
        switch self {
        case .beginning: 0
        case .now: nil
        case .after(let position): position
        }
    }
}
