import Postgres

/// Gives positions to the rows that were there before the column: in a stated order, in batches.
///
/// The order is found once, in a table of its own, by one sort of what the table holds. All those rows were committed
/// before: the column was added under a lock that no writer can hold at the same time. So nothing comes to them any more.
package struct Numbering: Sendable, Hashable {
    package let table: TableName
    package let column: String
    package let key: [String]
    /// Ends in the key.
    package let order: [String]
    /// The table that holds the order meanwhile.
    package let work: TableName

    /// Rows of one transaction.
    static let batch: Int64 = 5_000

    /// The order, as SQL; the numbers go on behind those that were given in an attempt before.
    package var ordering: String {
        let names = key.map { quoteIdentifier($0) }.joined(separator: ", ")
        let order = order.map { quoteIdentifier($0) }.joined(separator: ", ")
        return """
            CREATE TABLE \(work.sql) AS
            SELECT (SELECT coalesce(max(\(quoteIdentifier(column))), 0) FROM \(table.sql)
                    WHERE \(quoteIdentifier(column)) < \(firstDrawn))
                + row_number() OVER (ORDER BY \(order)) AS godwit_number, \(names)
            FROM \(table.sql) WHERE \(quoteIdentifier(column)) IS NULL
            """
    }

    /// Where the order is kept; it may be there before `godwit migrate`.
    package var schema: String { "CREATE SCHEMA IF NOT EXISTS \(quoteIdentifier(work.schema))" }

    /// The first position that an INSERT draws.
    private var firstDrawn: String {
        """
        (SELECT seqstart FROM pg_catalog.pg_sequence
            WHERE seqrelid = pg_get_serial_sequence(\(quoteLiteral(table.sql)), \(quoteLiteral(column)))::regclass)
        """
    }

    /// Adds what came into the table without a position since.
    var addition: String {
        let names = key.map { quoteIdentifier($0) }.joined(separator: ", ")
        let order = order.map { quoteIdentifier($0) }.joined(separator: ", ")
        let same = key.map { "known.\(quoteIdentifier($0)) = missing.\(quoteIdentifier($0))" }.joined(
            separator: " AND ")
        return """
            INSERT INTO \(work.sql) (godwit_number, \(names))
            SELECT (SELECT coalesce(max(godwit_number), 0) FROM \(work.sql)) + row_number() OVER (ORDER BY \(order)), \(names)
            FROM \(table.sql) AS missing WHERE \(quoteIdentifier(column)) IS NULL
                AND NOT EXISTS (SELECT FROM \(work.sql) AS known WHERE \(same))
            """
    }

    package var index: String { "ALTER TABLE \(work.sql) ADD PRIMARY KEY (godwit_number)" }

    /// Numbers the rows of a range; those that others have locked are left for the next time.
    package func update(after first: String, through last: String) -> String {
        let names = key.map { "held.\(quoteIdentifier($0))" }.joined(separator: ", ")
        let join = key.map { "held.\(quoteIdentifier($0)) = ordered.\(quoteIdentifier($0))" }
        let same = key.map { "rows.\(quoteIdentifier($0)) = taken.\(quoteIdentifier($0))" }
        return """
            WITH numbered AS (UPDATE \(table.sql) AS rows SET \(quoteIdentifier(column)) = taken.godwit_number FROM (
                SELECT ordered.godwit_number, \(names) FROM \(work.sql) AS ordered
                JOIN \(table.sql) AS held ON \(join.joined(separator: " AND "))
                WHERE ordered.godwit_number > \(first) AND ordered.godwit_number <= \(last)
                    AND held.\(quoteIdentifier(column)) IS NULL FOR UPDATE OF held SKIP LOCKED) AS taken
            WHERE \(same.joined(separator: " AND ")) RETURNING 1)
            SELECT count(*) FROM numbered
            """
    }

    package var removal: String { "DROP TABLE IF EXISTS \(work.sql)" }

    /// The first position that an INSERT draws; the highest one below it; the rows without one; the highest position of all, and
    /// the last that was drawn.
    var room: String {
        let name = quoteIdentifier(column)
        return """
            SELECT bounds.first, (SELECT coalesce(max(\(name)), 0) FROM \(table.sql) WHERE \(name) < bounds.first),
                (SELECT count(*) FROM \(table.sql) WHERE \(name) IS NULL),
                (SELECT coalesce(max(\(name)), 0) FROM \(table.sql)),
                coalesce(pg_catalog.pg_sequence_last_value(
                    pg_get_serial_sequence(\(quoteLiteral(table.sql)), \(quoteLiteral(column)))::regclass), 0)
            FROM (SELECT coalesce(\(firstDrawn), 0) AS first) AS bounds
            """
    }

    /// Whether a consumer has recorded a checkpoint in the table.
    var isConsumed: String {
        let identities = TableName(schema: work.schema, name: "checkpoint_identities")
        return """
            SELECT EXISTS (SELECT FROM \(identities.sql) WHERE events_table = \(quoteLiteral(table.text)))
            """
    }

    var hasIdentities: String {
        let identities = TableName(schema: work.schema, name: "checkpoint_identities")
        return "SELECT to_regclass(\(quoteLiteral(identities.sql))) IS NOT NULL"
    }

    var isOpen: String { "SELECT EXISTS (SELECT FROM \(table.sql) WHERE \(quoteIdentifier(column)) IS NULL)" }
}
