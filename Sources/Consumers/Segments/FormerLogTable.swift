import EventSourcing
import Postgres

/// The SQL that removes what is recorded by position of a log that is no longer there: its positions mean other events now.
struct FormerLogTable {
    private let tables: TableNames
    private let rows: SourceRows

    init(_ tables: TableNames) {
        self.tables = tables
        rows = SourceRows(tables)
    }

    private var isGone: String {
        let find = EventsTable(tables.source).find(position: "letters.global_position", eventID: "letters.event_id")
        return "letters.consumer_name = ANY($1) AND NOT EXISTS (\(find))"
    }

    private var exchanges: String {
        "\(tables.godwitTable("segment_exchanges").sql) WHERE consumer_name = ANY($1) AND \(rows.named)"
    }

    /// How many rows each of the others removes: dead letters, exchanges.
    func counts(_ consumers: [String]) -> BoundStatement {
        let letters = tables.godwitTable("dead_letters").sql
        let sql = """
            SELECT (SELECT count(*) FROM \(letters) AS letters WHERE \(isGone)), (SELECT count(*) FROM \(exchanges))
            """
        return BoundStatement(Statement(sql), [consumers])
    }

    /// Removes what became of events that are no longer at their positions.
    ///
    /// Those that are there still, as after an ALTER SEQUENCE or an upgrade of the server, are the same events, and stay parked or
    /// given up.
    func forgetLetters(_ consumers: [String]) -> BoundStatement {
        let sql = "DELETE FROM \(tables.godwitTable("dead_letters").sql) AS letters WHERE \(isGone)"
        return BoundStatement(Statement(sql), [consumers])
    }

    /// Forgets what former segments had done, which is passed over: from another position on everything is published.
    func forgetExchanges(_ consumers: [String]) -> BoundStatement {
        BoundStatement(Statement("DELETE FROM \(exchanges)"), [consumers])
    }
}
