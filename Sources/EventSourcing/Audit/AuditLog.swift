package import Postgres

/// The table `audit`: who changed what of a running relay, and when. Rows are added, and removed by age alone, where the
/// configuration asks for it.
package struct AuditLog: Sendable {
    private let table: TableName

    package init(_ tables: TableNames) {
        table = tables.godwitTable("audit")
    }

    static func sql(_ tables: TableNames) -> String {
        let table = AuditLog(tables).table
        return """
            CREATE TABLE IF NOT EXISTS \(table.sql) (
                id bigserial PRIMARY KEY,
                at timestamptz NOT NULL DEFAULT clock_timestamp(),
                actor text NOT NULL,
                action text NOT NULL,
                subject text NOT NULL,
                details text NOT NULL DEFAULT ''
            );
            """
    }

    /// Records an entry, in the transaction that makes the change, so that neither is without the other.
    package func record(_ entry: AuditEntry) -> BoundStatement {
        let sql = "INSERT INTO \(table.sql) (actor, action, subject, details) VALUES ($1, $2, $3, $4)"
        return BoundStatement(
            Statement(name: "audit_record", sql: sql), [entry.actor, entry.action, entry.subject, entry.details])
    }

    /// Removes some of the entries that are older than so many seconds.
    package func remove(olderThan seconds: Double, limit: Int) -> BoundStatement {
        let sql = """
            DELETE FROM \(table.sql) WHERE id IN (
                SELECT id FROM \(table.sql) WHERE at < clock_timestamp() - make_interval(secs => $1) ORDER BY id LIMIT $2)
            """
        return BoundStatement(Statement(sql), [seconds, limit])
    }

    /// The last entries, the newest first: actor, action, subject, details, time in microseconds since 1970.
    package func newest(_ limit: Int) -> BoundStatement {
        let sql = """
            SELECT actor, action, subject, details, (extract(epoch FROM at) * 1000000)::bigint
            FROM \(table.sql) ORDER BY id DESC LIMIT $1
            """
        return BoundStatement(Statement(name: "audit_newest", sql: sql), [limit])
    }

    /// A page of the entries, the newest first: id, actor, action, subject, details, time in microseconds since 1970.
    ///
    /// - Parameters:
    ///   - id: entries before this one.
    ///   - text: is part of actor, action or subject, whatever its case; empty is any. So many of the newest entries are looked at
    ///     for it at most.
    package func page(before id: Int64, text: String, limit: Int, lookingAt most: Int) -> BoundStatement {
        let sql = """
            SELECT id, actor, action, subject, details, (extract(epoch FROM at) * 1000000)::bigint FROM (
                SELECT * FROM \(table.sql) WHERE id < $1 ORDER BY id DESC LIMIT $4) AS newest
            WHERE $2 = '' OR position(lower($2) IN lower(actor || ' ' || action || ' ' || subject)) > 0
            ORDER BY id DESC LIMIT $3
            """
        return BoundStatement(Statement(name: "audit_page", sql: sql), [id, text, limit, most])
    }

    /// The oldest of the entries that such a page looks at, where there are older ones: one row with its id, or none.
    package func oldestLookedAt(before id: Int64, lookingAt most: Int) -> BoundStatement {
        let sql = """
            SELECT min(id) FROM (SELECT id FROM \(table.sql) WHERE id < $1 ORDER BY id DESC LIMIT $2) AS newest
            HAVING min(id) > (SELECT min(id) FROM \(table.sql))
            """
        return BoundStatement(Statement(name: "audit_looked_at", sql: sql), [id, most])
    }
}

/// One change that an operator made.
package struct AuditEntry: Sendable, Hashable {
    /// Who: the system's user and host for a command, the address for a request.
    package let actor: String
    /// What was done, a verb such as `pause`.
    package let action: String
    /// What it was done to, such as `consumer identity`.
    package let subject: String
    /// What else is worth knowing; may be empty.
    package let details: String

    package init(actor: String, action: String, subject: String, details: String = "") {
        self.actor = actor
        self.action = action
        self.subject = subject
        self.details = details
    }
}
