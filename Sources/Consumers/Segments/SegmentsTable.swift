package import EventSourcing
import Postgres

/// The SQL of the table `consumer_segments`.
package struct SegmentsTable: Sendable {
    private let table: TableName

    package init(_ tables: TableNames) {
        self.table = tables.consumerSegments
    }

    /// Makes the rows of a consumer that has none yet; rows that exist keep their checkpoints.
    func initialize(_ consumer: String, totalSegments: Int) -> BoundStatement {
        BoundStatement(
            Statement(
                name: "segments_initialize",
                sql: """
                    INSERT INTO \(table.sql) (consumer_name, segment_id, total_segments)
                    SELECT $1, segment, $2::integer FROM generate_series(0, $2::integer - 1) AS segment
                    WHERE NOT EXISTS (SELECT FROM \(table.sql) WHERE consumer_name = $1)
                    ON CONFLICT DO NOTHING
                    """), [consumer, Int32(totalSegments)])
    }

    /// The number of segments the consumer was started with, and how many rows there are.
    func totals(_ consumer: String) -> BoundStatement {
        BoundStatement(
            Statement(
                name: "segments_totals",
                sql: """
                    SELECT min(total_segments), max(total_segments), count(*) FROM \(table.sql) WHERE consumer_name = $1
                    """), [consumer])
    }

    /// Takes all segments of the consumer and raises their epochs.
    func claimAll(_ consumer: String, owner: String) -> BoundStatement {
        BoundStatement(
            Statement(
                name: "segments_claim_all",
                sql: """
                    UPDATE \(table.sql) SET owner_id = $2, epoch = epoch + 1 WHERE consumer_name = $1
                    RETURNING segment_id, checkpoint, epoch
                    """), [consumer, owner])
    }

    /// Moves the checkpoints of the segments forward to the position, where the owner still has them. Checkpoints never
    /// go back.
    func moveCheckpoints(_ consumer: String, owner: String, segments: [Int], to position: Int64) -> BoundStatement {
        BoundStatement(
            Statement(
                name: "segments_move_checkpoints",
                sql: """
                    UPDATE \(table.sql) SET checkpoint = greatest(checkpoint, $4)
                    WHERE consumer_name = $1 AND owner_id = $2 AND segment_id = ANY($3)
                    """), [consumer, owner, segments.map { Int32($0) }, position])
    }

    /// Gives the owner's segments back.
    func release(_ consumer: String, owner: String) -> BoundStatement {
        BoundStatement(
            Statement(
                name: "segments_release",
                sql: "UPDATE \(table.sql) SET owner_id = NULL WHERE consumer_name = $1 AND owner_id = $2"),
            [consumer, owner])
    }
}
