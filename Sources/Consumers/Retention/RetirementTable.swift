package import EventSourcing
package import Postgres

/// The SQL that removes everything that is recorded of a consumer, but for dead letters, audits and jobs.
package struct RetirementTable: Sendable {
    private let tables: TableNames

    package init(_ tables: TableNames) {
        self.tables = tables
    }

    /// Godwit's own tables whose rows name a source and a consumer; those that know sources by their names only come first.
    private static let ofNames = ["consumer_controls", "checkpoint_scopes", "segment_exchanges"]
    private static let ofTables = ["checkpoint_identities", "registered_consumers"]

    /// Keeps others from claiming segments until the transaction ends.
    package func lockSegments(_ consumer: String) -> BoundStatement {
        let sql = "SELECT FROM \(tables.consumerSegments.sql) WHERE consumer_name = $1 ORDER BY segment_id FOR UPDATE"
        return BoundStatement(Statement(sql), [consumer])
    }

    /// What is recorded: whether the consumer is registered; dead letters that are open, and others; whether it is audited;
    /// segments delivered exactly once; other rows.
    package func counts(_ consumer: String) -> BoundStatement {
        let rows = SourceRows(tables)
        func own(_ table: String) -> String {
            let condition = Self.ofTables.contains(table) ? rows.condition() : rows.named
            return "\(tables.godwitTable(table).sql) WHERE consumer_name = $1 AND \(condition)"
        }
        let letters = "\(tables.godwitTable("dead_letters").sql) WHERE consumer_name = $1"
        let open = "state IN ('halted', 'parked', 'redriving')"
        let others =
            (Self.ofNames + ["checkpoint_identities"]).map { "(SELECT count(*) FROM \(own($0)))" }
            + ["(SELECT count(*) FROM \(tables.consumerWorkers.sql) WHERE consumer_name = $1)"]
        let sql = """
            SELECT EXISTS (SELECT FROM \(own("registered_consumers"))),
                (SELECT count(*) FROM \(letters) AND \(open)), (SELECT count(*) FROM \(letters) AND NOT \(open)),
                EXISTS (SELECT FROM \(own("delivery_audits"))), (SELECT count(*) FROM \(own("transactional_segments"))),
                \(others.joined(separator: " + "))
            """
        return BoundStatement(Statement(sql), [consumer])
    }

    /// Removes the rows.
    package func removals(_ consumer: String) -> [BoundStatement] {
        let rows = SourceRows(tables)
        // Those that say which table is meant come last: by them the others are found.
        let own = (Self.ofNames + ["transactional_segments"] + Self.ofTables).map { table in
            let condition = Self.ofTables.contains(table) ? rows.condition() : rows.named
            return BoundStatement(
                Statement("DELETE FROM \(tables.godwitTable(table).sql) WHERE consumer_name = $1 AND \(condition)"),
                [consumer])
        }
        let shared = [tables.consumerSegments, tables.consumerWorkers].map { table in
            BoundStatement(Statement("DELETE FROM \(table.sql) WHERE consumer_name = $1"), [consumer])
        }
        return own + shared
    }
}
