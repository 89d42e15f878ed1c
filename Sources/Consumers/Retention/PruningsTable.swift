package import EventSourcing
package import Postgres

/// The SQL of the tables `prunings` and `delivered_positions`: what retention has removed of a source, and since when which
/// positions have been delivered.
package struct PruningsTable: Sendable {
    private let table: TableName
    private let history: TableName
    private let events: String
    private let rows: SourceRows

    package init(_ tables: TableNames) {
        table = tables.godwitTable("prunings")
        history = tables.godwitTable("delivered_positions")
        events = tables.events.text
        rows = SourceRows(tables)
    }

    // MARK: What was removed

    /// What was removed: the last position, rows, microseconds since 1970; when a process looked, what keeps the rest, and from
    /// which position. No row where nobody has looked yet.
    var find: BoundStatement {
        let sql = """
            SELECT max(through_position), sum(pruned_rows)::bigint, (extract(epoch FROM max(pruned_at)) * 1000000)::bigint,
                extract(epoch FROM clock_timestamp() - max(looked_at))::float8,
                (array_agg(held_at ORDER BY looked_at DESC))[1], (array_agg(held_by ORDER BY looked_at DESC))[1]
            FROM \(table.sql) WHERE \(rows.condition()) HAVING count(*) > 0
            """
        return BoundStatement(Statement(name: "prunings_find", sql: sql))
    }

    /// Reads what was removed. An older schema has no such table, and nothing was removed then.
    package func read(on session: some PostgresSession) async throws(PostgresError) -> PruningRecord? {
        do {
            guard let row = try await session.query(find).first else { return nil }
            return PruningRecord(
                through: try row.decode(0), rows: try row.decode(1), prunedAt: try row.decodeIfPresent(2),
                lastLook: .seconds(max(0, try row.decode(3, as: Double.self))), heldAt: try row.decodeIfPresent(4),
                heldBy: try row.decode(5))
        } catch {
            guard error.sqlState == .undefinedTable || error.sqlState == .undefinedColumn else { throw error }
            return nil
        }
    }

    /// Where rows may be left: behind the last position removed, or from the beginning on, where some were kept.
    package var beginning: BoundStatement {
        let sql = "SELECT through_position FROM \(table.sql) WHERE events_table = $1 AND kept_rows = 0"
        return BoundStatement(Statement(name: "prunings_beginning", sql: sql), [events])
    }

    /// Notes a batch that was removed, in its transaction, and how many rows up to there were kept.
    package func removed(through position: Int64, rows: Int64, kept: Int) -> BoundStatement {
        let sql = """
            INSERT INTO \(table.sql) AS known (events_table, through_position, pruned_rows, pruned_at, kept_rows, table_oid)
            VALUES ($1, $2, $3, clock_timestamp(), $4, \(self.rows.table)) ON CONFLICT (events_table) DO UPDATE SET
                table_oid = excluded.table_oid,
                through_position = greatest(known.through_position, excluded.through_position),
                kept_rows = greatest(known.kept_rows, excluded.kept_rows),
                pruned_rows = known.pruned_rows + excluded.pruned_rows, pruned_at = excluded.pruned_at
            """
        return BoundStatement(Statement(name: "prunings_removed", sql: sql), [events, position, rows, kept])
    }

    /// Notes a look, and what keeps the rest.
    ///
    /// - Parameter kept: how many rows are kept, where all were gone through; otherwise as noted before.
    package func looked(heldAt position: Int64?, by holder: String, kept: Int?) -> BoundStatement {
        let sql = """
            INSERT INTO \(table.sql) AS known (events_table, held_at, held_by, table_oid)
            VALUES ($1, $2, $3, \(rows.table))
            ON CONFLICT (events_table) DO UPDATE SET looked_at = clock_timestamp(), table_oid = excluded.table_oid, held_at = excluded.held_at,
                held_by = excluded.held_by, kept_rows = coalesce($4::bigint, known.kept_rows)
            """
        return BoundStatement(
            Statement(name: "prunings_looked", sql: sql), [events, position, holder, kept.map { Int64($0) }])
    }

    /// Forgets what is recorded of a log that is no longer there: positions mean other events now.
    func forget() -> [BoundStatement] {
        [
            BoundStatement(
                Statement(
                    """
                    UPDATE \(table.sql) SET through_position = 0, pruned_rows = 0, kept_rows = 0, pruned_at = NULL,
                        held_at = NULL, held_by = '' WHERE \(rows.condition())
                    """)),
            BoundStatement(Statement("DELETE FROM \(history.sql) WHERE events_table = $1"), [events]),
        ]
    }

    /// Whether the event is there, or was removed by retention, which its consumers' checkpoints have passed: one row, one value.
    func holdsOrRemoved(_ event: EventReference, _ table: EventsTable) -> BoundStatement {
        let sql = """
            SELECT EXISTS (\(table.find(position: "$1", eventID: "$2")))
                OR EXISTS (SELECT FROM \(self.table.sql) WHERE \(rows.condition()) AND through_position >= $1)
            """
        return BoundStatement(
            Statement(name: "prunings_hold", sql: sql), [event.position, event.eventID])
    }

    // MARK: Since when positions have been delivered

    /// The history: position, age in seconds; ascending.
    package var samples: BoundStatement {
        let sql = """
            SELECT position, extract(epoch FROM clock_timestamp() - at)::float8 FROM \(history.sql)
            WHERE events_table = $1 ORDER BY position
            """
        return BoundStatement(Statement(name: "delivered_positions", sql: sql), [events])
    }

    /// Adds a sample of this moment.
    package func sample(_ position: Int64) -> BoundStatement {
        let sql = """
            INSERT INTO \(history.sql) (events_table, position, at) VALUES ($1, $2, clock_timestamp())
            ON CONFLICT DO NOTHING
            """
        return BoundStatement(Statement(name: "delivered_positions_add", sql: sql), [events, position])
    }

    /// Has what lies behind a position count as delivered from its next delivery on: a consumer begins there, anew or for the
    /// first time.
    package func setBack(to position: Int64) -> BoundStatement {
        let sql = "DELETE FROM \(history.sql) WHERE events_table = $1 AND position > $2"
        return BoundStatement(Statement(name: "delivered_positions_back", sql: sql), [events, position])
    }

    /// Removes samples.
    package func dropSamples(_ positions: [Int64]) -> BoundStatement {
        let sql = "DELETE FROM \(history.sql) WHERE events_table = $1 AND position = ANY($2)"
        return BoundStatement(Statement(name: "delivered_positions_drop", sql: sql), [events, positions])
    }
}

/// What retention has removed of a source, and what keeps it from more.
package struct PruningRecord: Sendable, Equatable {
    /// Rows up to here were removed, but for those that something still needed.
    package let through: Int64
    package let rows: Int64
    /// When the last were, in microseconds since 1970; `nil` where none was.
    package let prunedAt: Int64?
    /// How long ago a process looked for what can be removed.
    package let lastLook: Duration
    /// Nothing behind this position can be removed yet.
    package let heldAt: Int64?
    /// What keeps it.
    package let heldBy: String

    package init(
        through: Int64, rows: Int64, prunedAt: Int64?, lastLook: Duration, heldAt: Int64?, heldBy: String
    ) {
        self.through = through
        self.rows = rows
        self.prunedAt = prunedAt
        self.lastLook = lastLook
        self.heldAt = heldAt
        self.heldBy = heldBy
    }
}
