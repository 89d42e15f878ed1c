package import EventSourcing
package import Postgres

/// Keeps rows from being removed while it is decided that they are needed: advisory locks of a source's events table.
///
/// Who removes rows holds the lock alone for each of its transactions, looks within it at what is needed, and gives up at once
/// where it cannot have it. Who makes something need rows (a consumer begins, checkpoints are set back, a job is made) or reads
/// rows for longer (`verify`) shares it. So what is removed was not needed by anything that was committed before, and what is
/// made later knows what has been removed.
package struct RetentionLock: Sendable {
    private let key: String
    private let processKey: String

    package init(_ tables: TableNames) {
        // By what the table is: another deployment may know it by another schema of Godwit's tables, or by an earlier name.
        let name = "'godwit retention ' || coalesce(\(SourceRows(tables).table)::text, '')"
        key = "hashtextextended(\(name), 0)"
        processKey = "hashtextextended(\(name), 1)"
    }

    /// Shared to the end of the transaction; waits for a short transaction that removes rows.
    package var share: BoundStatement { BoundStatement(Statement("SELECT pg_advisory_xact_lock_shared(\(key))")) }

    /// Shared for the session, for a reader of many rows.
    package var shareForSession: BoundStatement { BoundStatement(Statement("SELECT pg_advisory_lock_shared(\(key))")) }

    /// Alone to the end of the transaction: one row, whether it could be had.
    package var tryAlone: BoundStatement { BoundStatement(Statement("SELECT pg_try_advisory_xact_lock(\(key))")) }

    /// Makes the session the one that removes rows of the source: one row, whether it is.
    package var tryProcess: BoundStatement { BoundStatement(Statement("SELECT pg_try_advisory_lock(\(processKey))")) }

    /// Lets another session remove rows.
    package var leaveProcess: BoundStatement { BoundStatement(Statement("SELECT pg_advisory_unlock(\(processKey))")) }

    /// The sessions that share the lock: process, application.
    package var holders: BoundStatement {
        BoundStatement(
            Statement(
                """
                SELECT l.pid, coalesce(a.application_name, '') FROM pg_catalog.pg_locks AS l
                LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
                WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.mode = 'ShareLock'
                AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                AND (l.classid::bigint << 32) | l.objid::bigint = \(key) ORDER BY 1
                """))
    }
}
