package import EventSourcing
import Postgres

/// Which rows of Godwit's tables are of a source: those recorded under the name that its table has now, and those recorded of
/// the table when it had another name.
package struct SourceRows: Sendable {
    /// SQL of the table's object id; NULL where there is no such table.
    package let table: String
    private let tables: TableNames

    package init(_ tables: TableNames) {
        self.tables = tables
        table = "to_regclass(\(quoteLiteral(tables.events.sql)))::oid"
    }

    /// SQL that is true for the rows of a table with the columns `events_table` and `table_oid`.
    ///
    /// - Parameter alias: of the table, where another has such columns too.
    package func condition(_ alias: String? = nil) -> String {
        let prefix = alias.map { "\($0)." } ?? ""
        return
            "(\(prefix)events_table = \(quoteLiteral(tables.events.text)) OR \(prefix)table_oid = (SELECT \(table)))"
    }

    /// SQL that is true for a consumer's name unless the consumer is registered with another source.
    ///
    /// - Parameter column: SQL of the name.
    package func owns(_ column: String) -> String {
        let registered = tables.godwitTable("registered_consumers").sql
        return "\(column) NOT IN (SELECT consumer_name FROM \(registered) WHERE \(condition()) IS NOT TRUE)"
    }

    /// SQL that is true for the rows of a table that knows sources by their names only.
    package var named: String {
        let (registered, identities) = (
            tables.godwitTable("registered_consumers").sql, tables.godwitTable("checkpoint_identities").sql
        )
        return """
            (events_table = \(quoteLiteral(tables.events.text))
                OR events_table IN (SELECT events_table FROM \(registered) WHERE table_oid = (SELECT \(table))
                    UNION SELECT events_table FROM \(identities) WHERE table_oid = (SELECT \(table))))
            """
    }
}
