package import EventSourcing
package import Postgres

/// The SQL of the table `consumer_segments`.
package struct SegmentsTable: Sendable {
    private let table: TableName
    private let events: EventsTable

    package init(_ tables: TableNames) {
        self.table = tables.consumerSegments
        self.events = EventsTable(tables.source)
    }

    /// Makes the rows of a consumer that has none yet; rows that exist keep their checkpoints.
    func initialize(_ consumer: String, totalSegments: Int, start: Int64) -> BoundStatement {
        let sql = """
            INSERT INTO \(table.sql) (consumer_name, segment_id, total_segments, checkpoint)
            SELECT $1, segment, $2::integer, $3 FROM generate_series(0, $2::integer - 1) AS segment
            WHERE NOT EXISTS (SELECT FROM \(table.sql) WHERE consumer_name = $1)
            ON CONFLICT DO NOTHING
            """
        return BoundStatement(
            Statement(name: "segments_initialize", sql: sql), [consumer, Int32(totalSegments), start])
    }

    /// Every segment of every consumer: consumer, id, number of segments, owner or NULL, checkpoint.
    var all: BoundStatement {
        let sql = """
            SELECT consumer_name, segment_id, total_segments, owner_id, checkpoint FROM \(table.sql) ORDER BY 1, 2
            """
        return BoundStatement(Statement(name: "segments_all", sql: sql))
    }

    /// The names of all consumers that have segments.
    var names: BoundStatement {
        BoundStatement(Statement("SELECT DISTINCT consumer_name FROM \(table.sql) ORDER BY 1"))
    }

    /// The consumer's segments: id, number of segments, owner or NULL, checkpoint.
    package func rows(_ consumer: String) -> BoundStatement {
        let sql = """
            SELECT segment_id, total_segments, owner_id, checkpoint FROM \(table.sql) WHERE consumer_name = $1 ORDER BY 1
            """
        return BoundStatement(Statement(name: "segments_rows", sql: sql), [consumer])
    }

    /// The least and the greatest number of segments recorded for the consumer, the number of rows, and the highest
    /// checkpoint; NULL, NULL, 0, NULL for a new one.
    func totals(_ consumer: String) -> BoundStatement {
        let sql = """
            SELECT min(total_segments), max(total_segments), count(*), max(checkpoint)
            FROM \(table.sql) WHERE consumer_name = $1
            """
        return BoundStatement(Statement(name: "segments_totals", sql: sql), [consumer])
    }

    /// Takes segments that nobody owns, and raises their epochs. A segment that another worker is claiming at the same instant is
    /// passed over; and so are all where there is another number of them than the worker knows of.
    func claim(_ consumer: String, owner: String, limit: Int, totalSegments: Int) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET owner_id = $2, epoch = epoch + 1
            WHERE consumer_name = $1 AND segment_id IN (
                SELECT segment_id FROM \(table.sql) WHERE consumer_name = $1 AND owner_id IS NULL
                AND total_segments = $4 ORDER BY segment_id LIMIT $3 FOR UPDATE SKIP LOCKED)
            """
        return BoundStatement(
            Statement(name: "segments_claim", sql: sql), [consumer, owner, limit, Int32(totalSegments)])
    }

    /// The owner's segments: id, checkpoint, epoch.
    func owned(_ consumer: String, by owner: String) -> BoundStatement {
        let sql = """
            SELECT segment_id, checkpoint, epoch FROM \(table.sql)
            WHERE consumer_name = $1 AND owner_id = $2 ORDER BY segment_id
            """
        return BoundStatement(Statement(name: "segments_owned", sql: sql), [consumer, owner])
    }

    /// Every segment of the consumers: consumer, id, owner or NULL, epoch.
    func list(_ consumers: [String]) -> BoundStatement {
        let sql = """
            SELECT consumer_name, segment_id, owner_id, epoch FROM \(table.sql) WHERE consumer_name = ANY($1)
            """
        return BoundStatement(Statement(name: "segments_list", sql: sql), [consumers])
    }

    /// Moves checkpoints of any consumers forward where the owner still has the segment under the same epoch, and gives
    /// those it has moved: consumer, segment. Rows that another transaction holds are left for the next time. Checkpoints
    /// never go back.
    func moveCheckpoints(owner: String, _ moves: [(consumer: String, move: CheckpointMove)]) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS segments SET checkpoint = greatest(segments.checkpoint, moves.checkpoint)
            FROM (SELECT own.consumer_name, own.segment_id, named.checkpoint
                FROM unnest($2, $3, $4, $5) AS named (consumer_name, segment_id, epoch, checkpoint)
                JOIN \(table.sql) AS own USING (consumer_name, segment_id)
                WHERE own.owner_id = $1 AND own.epoch = named.epoch
                ORDER BY 1, 2 FOR UPDATE OF own SKIP LOCKED) AS moves
            WHERE segments.consumer_name = moves.consumer_name AND segments.segment_id = moves.segment_id
            RETURNING segments.consumer_name, segments.segment_id
            """
        return BoundStatement(
            Statement(name: "segments_move_checkpoints", sql: sql),
            [
                owner, moves.map(\.consumer), moves.map { Int32($0.move.segment) }, moves.map(\.move.epoch),
                moves.map(\.move.position),
            ])
    }

    /// Moves one checkpoint forward if the owner still has the segment, nothing has moved it there before, and the event
    /// is still there. Holds the row until the transaction ends.
    func advance(
        _ consumer: String, owner: String, _ move: CheckpointMove, where event: EventReference
    ) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET checkpoint = $5
            WHERE consumer_name = $1 AND owner_id = $2 AND segment_id = $3 AND epoch = $4 AND checkpoint < $5
            AND EXISTS (\(events.find(position: "$6", eventID: "$7")))
            """
        return BoundStatement(
            Statement(name: "segments_advance", sql: sql),
            [
                consumer, owner, Int32(move.segment), move.epoch, move.position, event.position, event.eventID,
            ])
    }

    /// Whether the owner has the segment under the epoch.
    func isOwned(_ consumer: String, owner: String, _ move: CheckpointMove) -> BoundStatement {
        let sql = """
            SELECT EXISTS (SELECT FROM \(table.sql)
                WHERE consumer_name = $1 AND owner_id = $2 AND segment_id = $3 AND epoch = $4)
            """
        return BoundStatement(
            Statement(name: "segments_is_owned", sql: sql), [consumer, owner, Int32(move.segment), move.epoch])
    }

    /// How far the consumer's segments have come: id, checkpoint.
    package func checkpoints(_ consumer: String) -> BoundStatement {
        let sql = "SELECT segment_id, checkpoint FROM \(table.sql) WHERE consumer_name = $1"
        return BoundStatement(Statement(name: "segments_checkpoints", sql: sql), [consumer])
    }

    /// Gives segments back, with their last checkpoints.
    func release(_ consumer: String, owner: String, _ moves: [CheckpointMove]) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS segments
            SET owner_id = NULL, checkpoint = greatest(segments.checkpoint, moves.checkpoint)
            FROM unnest($3, $4, $5) AS moves (segment_id, epoch, checkpoint)
            WHERE segments.consumer_name = $1 AND segments.owner_id = $2
            AND segments.segment_id = moves.segment_id AND segments.epoch = moves.epoch
            """
        return BoundStatement(
            Statement(name: "segments_release", sql: sql),
            [consumer, owner, moves.map { Int32($0.segment) }, moves.map(\.epoch), moves.map(\.position)])
    }

    /// Has consumers begin at a position, whatever their checkpoints, under new epochs that nobody owns yet; with no
    /// position, under new epochs at the checkpoints they have.
    package func restart(_ consumers: [String], from position: Int64?) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET checkpoint = coalesce($2, checkpoint), epoch = epoch + 1, owner_id = NULL
            WHERE consumer_name = ANY($1)
            """
        return BoundStatement(Statement(name: "segments_restart", sql: sql), [consumers, position])
    }
}

/// A checkpoint that is to be written.
struct CheckpointMove: Sendable, Hashable {
    let segment: Int
    let epoch: Int64
    let position: Int64
}
