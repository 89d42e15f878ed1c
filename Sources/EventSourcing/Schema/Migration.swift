/// One numbered step of the schema. A step that was released is never changed: correct it with a new one.
struct Migration: Sendable {
    /// Counts from 1.
    let version: Int
    /// A few words, recorded with the number.
    let name: String
    /// SQL that does nothing where its work is done already, for example in a database of pupsourcing/core.
    let sql: String

    static func all(for tables: TableNames) -> [Migration] {
        [
            Migration(version: 1, name: "event store tables", sql: EventStoreTables.sql(tables)),
            Migration(version: 2, name: "drop the index that repeats a constraint", sql: redundantIndex(tables)),
            Migration(version: 3, name: "ownership epoch of segments", sql: segmentEpoch(tables)),
            Migration(version: 4, name: "session lock of workers", sql: sessionLock(tables)),
            Migration(version: 5, name: "requests for notifications", sql: NotifyRequests.sql(tables)),
            Migration(version: 6, name: "audit of changes", sql: AuditLog.sql(tables)),
            Migration(version: 7, name: "dead letters", sql: DeadLetterTables.sql(tables)),
            Migration(version: 8, name: "orders for consumers", sql: ControlsTable.sql(tables)),
            Migration(version: 9, name: "republish jobs", sql: JobTables.sql(tables)),
            Migration(version: 10, name: "how consumers fare", sql: consumerConditions(tables)),
            Migration(
                version: 11, name: "identity of the log behind checkpoints", sql: CheckpointTables.identities(tables)),
            Migration(version: 12, name: "scope and start behind checkpoints", sql: CheckpointTables.scopes(tables)),
            Migration(version: 13, name: "epoch of redrives", sql: redriveEpoch(tables)),
            Migration(version: 14, name: "terms of workers", sql: workerTerms(tables)),
            Migration(version: 15, name: "audits of deliveries", sql: DeliveryAuditTable.sql(tables)),
            Migration(version: 16, name: "parked events of audits", sql: DeliveryAuditTable.parkedPositions(tables)),
            Migration(
                version: 17, name: "transactional ids of segments", sql: TransactionalSegmentsTable.sql(tables)),
            Migration(
                version: 18, name: "filter behind checkpoints and of jobs", sql: CheckpointTables.filters(tables)),
            Migration(
                version: 19, name: "registered consumers, retention and exchanges of segments",
                sql: RetentionTables.sql(tables)),
            Migration(version: 20, name: "what tables registrations are of", sql: RetentionTables.ofTables(tables)),
            Migration(version: 21, name: "jobs that relays run", sql: JobTables.queue(tables)),
        ]
    }

    /// pupsourcing/core makes a second index with the unique constraint's columns: every insert pays for it, no query
    /// needs it.
    private static func redundantIndex(_ tables: TableNames) -> String {
        if tables.columns != nil { return "-- The table of events is not Godwit's." }
        let index = TableName(schema: tables.events.schema, name: "idx_\(tables.events.name)_aggregate")
        return "DROP INDEX IF EXISTS \(index.sql);"
    }

    /// Distinguishes the workers that hold a session lock from those of pupsourcing/core, which do not.
    private static func sessionLock(_ tables: TableNames) -> String {
        "ALTER TABLE \(tables.consumerWorkers.sql) ADD COLUMN IF NOT EXISTS session_lock boolean NOT NULL DEFAULT false;"
    }

    /// After how many seconds without a heartbeat others take over: while its session lock is free, NULL where the worker did
    /// not hold it; and in any case. NULL in the rows of versions before, which do not name the columns.
    private static func workerTerms(_ tables: TableNames) -> String {
        """
        ALTER TABLE \(tables.consumerWorkers.sql)
            ADD COLUMN IF NOT EXISTS takeover_after double precision,
            ADD COLUMN IF NOT EXISTS stale_after double precision;
        """
    }

    /// Each consumer's condition, recorded with the heartbeat, so that `status` needs the database alone.
    private static func consumerConditions(_ tables: TableNames) -> String {
        """
        ALTER TABLE \(tables.consumerWorkers.sql)
            ADD COLUMN IF NOT EXISTS condition text NOT NULL DEFAULT '',
            ADD COLUMN IF NOT EXISTS reason text NOT NULL DEFAULT '';
        """
    }

    private static func segmentEpoch(_ tables: TableNames) -> String {
        "ALTER TABLE \(tables.consumerSegments.sql) ADD COLUMN IF NOT EXISTS epoch bigint NOT NULL DEFAULT 0;"
    }

    /// The claim under which a parked event is being delivered again: after another claim nobody is any more.
    private static func redriveEpoch(_ tables: TableNames) -> String {
        "ALTER TABLE \(tables.godwitTable("dead_letters").sql) ADD COLUMN IF NOT EXISTS redrive_epoch bigint;"
    }
}
