package import EventSourcing
package import Postgres

/// The SQL of the table `transactional_segments`: under which transactional id each segment is delivered exactly once.
package struct SegmentOwnersTable: Sendable {
    /// Where claims and checkpoints are.
    package enum Claims: Sendable {
        /// Segments of consumers, claimed by workers.
        case segments
        /// Jobs, each with the segment 0, under the name ``consumer(ofJob:)``.
        case jobs
    }

    private let table: TableName
    /// Claims as SQL: consumer_name, segment_id, epoch, checkpoint.
    private let claims: String
    private let events: String

    package init(_ tables: TableNames, claims: Claims = .segments) {
        table = tables.godwitTable("transactional_segments")
        events = tables.events.text
        switch claims {
        case .segments: self.claims = tables.consumerSegments.sql
        case .jobs:
            self.claims = """
                (SELECT '\(Self.consumer(ofJob: ""))' || name AS consumer_name, 0 AS segment_id, epoch, checkpoint
                FROM \(tables.godwitTable("jobs").sql))
                """
        }
    }

    /// The name under which a job's progress is kept; no consumer's has a space.
    package static func consumer(ofJob name: String) -> String { "republish \(name)" }

    /// Whether the table is there, and may be written: one row, one value. An older schema has none.
    var isWritable: BoundStatement {
        let sql = "SELECT coalesce(has_table_privilege(to_regclass($1), 'UPDATE'), false)"
        return BoundStatement(Statement(name: "segment_owners_is_writable", sql: sql), [table.sql])
    }

    /// What is recorded of segments: id, transactional id or NULL, epoch, lineage or NULL.
    package func read(_ consumer: String, _ segments: [Int]) -> BoundStatement {
        let sql = """
            SELECT segment_id, transactional_id, epoch, lineage FROM \(table.sql)
            WHERE events_table = $1 AND consumer_name = $2 AND segment_id = ANY($3)
            """
        return BoundStatement(
            Statement(name: "segment_owners_read", sql: sql), [events, consumer, segments.map { Int32($0) }])
    }

    /// A claim to be recorded in place of what was read.
    package struct Claim: Sendable {
        package let segment: Int
        package let epoch: Int64
        /// What was read; `nil` where there was no row.
        package let former: (transactionalID: String?, epoch: Int64)?

        package init(segment: Int, epoch: Int64, former: (transactionalID: String?, epoch: Int64)?) {
            self.segment = segment
            self.epoch = epoch
            self.former = former
        }
    }

    /// Records under which id segments are delivered from now on, where the segment is still claimed under the epoch and the
    /// row is as it was read. Gives the segments that were recorded, with their lineages, those they have, else the new one;
    /// and their checkpoints.
    package func record(_ consumer: String, id: String, lineage: String, _ claims: [Claim]) -> BoundStatement {
        let sql = """
            WITH wanted AS (
                SELECT claims.*, own.checkpoint
                FROM unnest($5, $6, $7, $8) AS claims (segment_id, epoch, former, former_epoch)
                JOIN \(self.claims) AS own ON own.consumer_name = $2 AND own.segment_id = claims.segment_id
                    AND own.epoch = claims.epoch
            ), replaced AS (
                UPDATE \(table.sql) AS owners SET transactional_id = $3, epoch = wanted.epoch,
                    lineage = coalesce(owners.lineage, $4), recorded_at = clock_timestamp()
                FROM wanted WHERE owners.events_table = $1 AND owners.consumer_name = $2
                AND owners.segment_id = wanted.segment_id AND owners.epoch = wanted.former_epoch
                AND owners.transactional_id IS NOT DISTINCT FROM wanted.former
                RETURNING owners.segment_id, owners.lineage
            ), made AS (
                INSERT INTO \(table.sql) (events_table, consumer_name, segment_id, transactional_id, epoch, lineage)
                SELECT $1, $2, segment_id, $3, epoch, $4 FROM wanted WHERE former_epoch IS NULL
                ON CONFLICT DO NOTHING RETURNING segment_id, lineage
            ), recorded AS (SELECT * FROM replaced UNION ALL SELECT * FROM made)
            SELECT segment_id, recorded.lineage, wanted.checkpoint FROM recorded JOIN wanted USING (segment_id)
            """
        return BoundStatement(
            Statement(name: "segment_owners_record", sql: sql),
            [
                events, consumer, id, lineage, claims.map { Int32($0.segment) }, claims.map(\.epoch),
                claims.map { $0.former?.transactionalID }, claims.map { $0.former?.epoch },
            ])
    }

    /// Which of the segments are still claimed under the epochs: id.
    package func claimed(_ consumer: String, _ claims: [(segment: Int, epoch: Int64)]) -> BoundStatement {
        let sql = """
            SELECT own.segment_id FROM unnest($2, $3) AS claims (segment_id, epoch)
            JOIN \(self.claims) AS own ON own.consumer_name = $1 AND own.segment_id = claims.segment_id
                AND own.epoch = claims.epoch
            """
        return BoundStatement(
            Statement(name: "segment_owners_claimed", sql: sql),
            [consumer, claims.map { Int32($0.segment) }, claims.map(\.epoch)])
    }

    /// Notes that nothing of the segments is open under the id and the epochs, and nothing will be.
    package func release(
        _ consumer: String, id: String, _ claims: [(segment: Int, epoch: Int64)]
    ) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS owners SET transactional_id = NULL
            FROM unnest($4, $5) AS claims (segment_id, epoch)
            WHERE owners.events_table = $1 AND owners.consumer_name = $2 AND owners.transactional_id = $3
            AND owners.segment_id = claims.segment_id AND owners.epoch = claims.epoch
            """
        return BoundStatement(
            Statement(name: "segment_owners_release", sql: sql),
            [events, consumer, id, claims.map { Int32($0.segment) }, claims.map(\.epoch)])
    }

    /// Forgets a consumer's owners, for a job that is done.
    package func forget(_ consumer: String) -> BoundStatement {
        BoundStatement(
            Statement("DELETE FROM \(table.sql) WHERE events_table = $1 AND consumer_name = $2"), [events, consumer])
    }

    /// Lets no progress count that is recorded in Kafka by now: the checkpoints do. The recorded owners are still to be ended.
    func restart(_ consumers: [String]) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET lineage = NULL WHERE events_table = $1 AND consumer_name = ANY($2)
            """
        return BoundStatement(Statement(name: "segment_owners_restart", sql: sql), [events, consumers])
    }
}
