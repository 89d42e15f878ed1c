package import EventSourcing
package import Postgres

/// The SQL of the table `registered_consumers`: each consumer with the source that it reads, from the moment that it is known.
package struct RegistrationsTable: Sendable {
    private let table: TableName
    private let prunings: TableName
    private let segments: TableName
    private let events: String
    private let history: PruningsTable
    private let rows: SourceRows

    package init(_ tables: TableNames) {
        history = PruningsTable(tables)
        table = tables.godwitTable("registered_consumers")
        prunings = tables.godwitTable("prunings")
        segments = tables.consumerSegments
        events = tables.events.text
        rows = SourceRows(tables)
    }

    /// Whether the consumer is registered with this start, and with the table that has the name now: one row, one value.
    func isRegistered(_ consumer: String, _ start: StartPosition) -> BoundStatement {
        let sql = """
            SELECT EXISTS (SELECT FROM \(table.sql) WHERE events_table = $1 AND consumer_name = $2
                AND begins_after IS NOT DISTINCT FROM $3::bigint AND table_oid = \(rows.table))
            """
        return BoundStatement(
            Statement(name: "registrations_has", sql: sql), [events, consumer, start.beginsAfter])
    }

    /// Registers the consumer, or notes another start of one that has not begun. In a transaction that shares
    /// ``RetentionLock``.
    func register(_ consumer: String, _ start: StartPosition, by actor: String) -> [BoundStatement] {
        let sql = """
            INSERT INTO \(table.sql) AS known (events_table, consumer_name, begins_after, registered_by, table_oid)
            VALUES ($1, $2, $3, $4, \(rows.table)) ON CONFLICT (events_table, consumer_name)
            DO UPDATE SET begins_after = excluded.begins_after, table_oid = excluded.table_oid
            WHERE known.begins_after IS DISTINCT FROM excluded.begins_after
                OR known.table_oid IS DISTINCT FROM excluded.table_oid
            """
        let register = BoundStatement(
            Statement(name: "registrations_register", sql: sql), [events, consumer, start.beginsAfter, actor])
        return start.beginsAfter.map { [history.setBack(to: $0), register] } ?? [register]
    }

    /// Notes what had been removed of what a consumer would have begun with, if anything: gives the last position.
    func noteBeginning(_ consumer: String) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS known SET began_without = prunings.through_position
            FROM (SELECT max(through_position) AS through_position FROM \(prunings.sql) WHERE \(rows.condition()))
                AS prunings
            WHERE known.events_table = $1 AND known.consumer_name = $2 AND prunings.through_position >
                (SELECT min(checkpoint) FROM \(segments.sql) WHERE consumer_name = $2)
            RETURNING prunings.through_position
            """
        return BoundStatement(Statement(name: "registrations_began", sql: sql), [events, consumer])
    }

    /// The consumers of the source: consumer; the last position that had been removed when it began, or when an operator
    /// accepted it, NULL where nothing had; and which rows were removed before the consumer had them: behind and up to which
    /// position; and the checkpoint of its slowest segment, NULL before its first start.
    var removals: BoundStatement {
        let sql = """
            SELECT consumer_name, max(began_without), min(missed_after), max(missed_through),
                (SELECT min(checkpoint) FROM \(segments.sql) AS own WHERE own.consumer_name = known.consumer_name)
            FROM \(table.sql) AS known WHERE \(rows.condition("known")) GROUP BY 1
            """
        return BoundStatement(Statement(name: "registrations_removals", sql: sql))
    }

    /// Notes which rows were removed although the consumers had not passed them, unless they were told when they began:
    /// consumer, behind and up to which position.
    ///
    /// - Parameters:
    ///   - consumer: `nil` for all of the source.
    ///   - elsewhere: the last position that was removed by what other schemas of Godwit's tables say.
    package func noteMissed(_ consumer: String?, elsewhere: Int64) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS known SET
                missed_after = least(known.missed_after, greatest(passed.checkpoint, known.began_without)),
                missed_through = greatest(known.missed_through, removed.position)
            FROM (SELECT greatest($2, max(through_position)) AS position FROM \(prunings.sql) WHERE \(rows.condition())) AS removed,
                (SELECT consumer_name, min(checkpoint) AS checkpoint FROM \(segments.sql) GROUP BY 1) AS passed
            WHERE \(rows.condition("known")) AND passed.consumer_name = known.consumer_name
                AND ($1::text IS NULL OR known.consumer_name = $1) AND removed.position > passed.checkpoint
                AND removed.position > coalesce(known.began_without, 0)
                AND removed.position > coalesce(known.missed_through, 0)
            RETURNING known.consumer_name, known.missed_after, known.missed_through
            """
        return BoundStatement(Statement(name: "registrations_missed", sql: sql), [consumer, elsewhere])
    }

    /// Takes it that the consumers go on without what was removed.
    ///
    /// - Parameter isKept: whether what was removed is of the log that they go on with.
    func accept(_ consumers: [String], isKept: Bool) -> BoundStatement {
        let removed =
            isKept
            ? "(SELECT max(through_position) FROM \(prunings.sql) WHERE \(rows.condition()) AND through_position > 0)"
            : "NULL"
        let sql = """
            UPDATE \(table.sql) SET missed_after = NULL, missed_through = NULL, began_without = CASE
                WHEN \(removed) > (SELECT min(checkpoint) FROM \(segments.sql) AS own
                    WHERE own.consumer_name = \(table.sql).consumer_name) THEN \(removed)
                WHEN \(isKept) THEN began_without END
            WHERE consumer_name = ANY($1) AND \(rows.condition())
            """
        return BoundStatement(Statement(sql), [consumers])
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
        BoundStatement(
            Statement("SELECT consumer_name FROM \(table.sql) WHERE events_table = $1 AND table_oid = \(rows.table)"),
            [events])
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
