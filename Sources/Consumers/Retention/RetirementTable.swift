package import EventSourcing
package import Postgres

/// The SQL that removes everything that is recorded of a consumer, but for dead letters, audits and jobs.
package struct RetirementTable: Sendable {
    private let tables: TableNames
    private var events: String { tables.events.text }

    package init(_ tables: TableNames) {
        self.tables = tables
    }

    /// Godwit's own tables whose rows name a source and a consumer.
    private static let ofSource = [
        "consumer_controls", "checkpoint_identities", "checkpoint_scopes", "segment_exchanges",
    ]

    /// Keeps others from claiming segments until the transaction ends.
    package func lockSegments(_ consumer: String) -> BoundStatement {
        let sql = "SELECT FROM \(tables.consumerSegments.sql) WHERE consumer_name = $1 ORDER BY segment_id FOR UPDATE"
        return BoundStatement(Statement(sql), [consumer])
    }

    /// What is recorded: whether the consumer is registered; dead letters that are open, and others; whether it is audited;
    /// segments delivered exactly once; other rows.
    package func counts(_ consumer: String) -> BoundStatement {
        func own(_ table: String) -> String {
            "\(tables.godwitTable(table).sql) WHERE events_table = $1 AND consumer_name = $2"
        }
        let letters = "\(tables.godwitTable("dead_letters").sql) WHERE consumer_name = $2"
        let open = "state IN ('halted', 'parked', 'redriving')"
        let others =
            Self.ofSource.map { "(SELECT count(*) FROM \(own($0)))" }
            + ["(SELECT count(*) FROM \(tables.consumerWorkers.sql) WHERE consumer_name = $2)"]
        let sql = """
            SELECT EXISTS (SELECT FROM \(own("registered_consumers"))),
                (SELECT count(*) FROM \(letters) AND \(open)), (SELECT count(*) FROM \(letters) AND NOT \(open)),
                EXISTS (SELECT FROM \(own("delivery_audits"))), (SELECT count(*) FROM \(own("transactional_segments"))),
                \(others.joined(separator: " + "))
            """
        return BoundStatement(Statement(sql), [events, consumer])
    }

    /// Removes the rows.
    package func removals(_ consumer: String) -> [BoundStatement] {
        let own = (Self.ofSource + ["transactional_segments", "registered_consumers"]).map { table in
            BoundStatement(
                Statement(
                    "DELETE FROM \(tables.godwitTable(table).sql) WHERE events_table = $1 AND consumer_name = $2"),
                [events, consumer])
        }
        let shared = [tables.consumerSegments, tables.consumerWorkers].map { table in
            BoundStatement(Statement("DELETE FROM \(table.sql) WHERE consumer_name = $1"), [consumer])
        }
        return own + shared
    }
}
