import Consumers
import EventSourcing
import FoundationEssentials
import Postgres

/// The SQL of the relay that owns an event's segment.
extension DeadLettersTable {
    /// Records events that cannot be delivered, where the segment is still owned under the epoch; an event that is known
    /// keeps its state, unless its segment halts at it.
    ///
    /// The segment's row is locked until the rows are committed, so that the next owner of the segment sees them. Gives the
    /// segments that are owned so: id, epoch.
    func record(_ consumer: String, _ rows: [UndeliverableEvent], as state: DeadLetter.State) -> BoundStatement {
        let sql = """
            WITH held AS (
                SELECT segment_id, epoch FROM \(segments.sql)
                WHERE consumer_name = $1 AND segment_id = ANY($3) FOR SHARE
            ), recorded AS (
            INSERT INTO \(table.sql) AS letters (consumer_name, global_position, segment_id, event_id, event_type,
                bounded_context, aggregate_type, aggregate_id, aggregate_version, state, is_cause, reason, error)
            SELECT $1, global_position, segment_id, event_id, event_type, bounded_context, aggregate_type, aggregate_id,
                aggregate_version, $13, reason <> 'follows', reason, error
            FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS events (global_position, segment_id, epoch,
                event_id, event_type, bounded_context, aggregate_type, aggregate_id, aggregate_version, reason, error)
            JOIN held USING (segment_id, epoch)
            ON CONFLICT (consumer_name, global_position) DO UPDATE SET state = excluded.state,
                is_cause = excluded.is_cause, reason = excluded.reason, error = excluded.error,
                attempts = letters.attempts + 1, last_at = clock_timestamp(), redrive_requested = false
            WHERE letters.state = 'halted'
            )
            SELECT segment_id, epoch FROM held
            """
        return BoundStatement(
            Statement(name: "dead_letters_record", sql: sql),
            [
                consumer, rows.map(\.position), rows.map { Int32($0.segment) }, rows.map(\.epoch), rows.map(\.eventID),
                rows.map(\.eventType), rows.map(\.aggregate.boundedContext), rows.map(\.aggregate.aggregateType),
                rows.map(\.aggregate.aggregateID), rows.map(\.aggregateVersion), rows.map(\.reason.rawValue),
                rows.map(\.error), state.rawValue,
            ])
    }

    /// The aggregates that have parked events in the segments, each with its first: segment, context, type, id,
    /// position, whether a cause, state, whether a redrive is requested; and how many there are.
    func waiting(_ consumer: String, segments: [Int]) -> BoundStatement {
        let aggregate = "segment_id, bounded_context, aggregate_type, aggregate_id"
        let sql = """
            SELECT \(aggregate), global_position, is_cause, state, redrive_requested, size FROM (
                SELECT \(aggregate), global_position, is_cause, state, redrive_requested,
                    row_number() OVER (PARTITION BY \(aggregate) ORDER BY global_position) AS number,
                    count(*) OVER (PARTITION BY \(aggregate)) AS size
                FROM \(table.sql)
                WHERE consumer_name = $1 AND segment_id = ANY($2) AND \(Self.open) AND state <> 'halted'
            ) AS parked WHERE number = 1
            """
        return BoundStatement(
            Statement(name: "dead_letters_waiting", sql: sql), [consumer, segments.map { Int32($0) }])
    }

    /// What is known of events behind segments' checkpoints, and all recorded halts: segment, position, state, error.
    func known(_ consumer: String, behind checkpoints: [(segment: Int, position: Int64)]) -> BoundStatement {
        let sql = """
            SELECT letters.segment_id, letters.global_position, letters.state, letters.error
            FROM unnest($2, $3) AS served (segment_id, checkpoint)
            JOIN \(table.sql) AS letters ON letters.consumer_name = $1 AND letters.segment_id = served.segment_id
                AND (letters.global_position > served.checkpoint OR letters.state = 'halted')
            """
        return BoundStatement(
            Statement(name: "dead_letters_known", sql: sql),
            [consumer, checkpoints.map { Int32($0.segment) }, checkpoints.map(\.position)])
    }

    /// A segment, and the positions of it that are asked for: behind one, up to its checkpoint.
    struct Passed {
        let segment: Int
        let position: Int64
        let checkpoint: Int64
    }

    /// The last events of segments that were set aside among some: segment, position.
    ///
    /// - Parameter limit: so many of each segment.
    func setAside(_ consumer: String, _ asked: [Passed], limit: Int) -> BoundStatement {
        let sql = """
            SELECT letters.segment_id, letters.global_position
            FROM unnest($2, $3, $4) AS asked (segment_id, position, checkpoint)
            CROSS JOIN LATERAL (
                SELECT segment_id, global_position FROM \(table.sql) AS own
                WHERE own.consumer_name = $1 AND own.segment_id = asked.segment_id
                AND own.state IN ('parked', 'redriving', 'discarded')
                AND own.global_position > asked.position AND own.global_position <= asked.checkpoint
                ORDER BY global_position DESC LIMIT $5) AS letters
            """
        return BoundStatement(
            Statement(name: "dead_letters_set_aside_passed", sql: sql),
            [
                consumer, asked.map { Int32($0.segment) }, asked.map(\.position), asked.map(\.checkpoint), limit,
            ])
    }

    /// Whether the table has an event, whatever its state: one row, one value.
    func holds(_ consumer: String, _ event: EventReference) -> BoundStatement {
        let sql = """
            SELECT EXISTS (SELECT FROM \(table.sql)
                WHERE consumer_name = $1 AND global_position = $2 AND event_id = $3)
            """
        return BoundStatement(
            Statement(name: "dead_letters_holds", sql: sql), [consumer, event.position, event.eventID])
    }

    /// Those of the positions that segments need no longer halt at as they do: an operator decided about them.
    func decided(_ consumer: String, _ positions: [Int64]) -> BoundStatement {
        let sql = """
            SELECT global_position FROM \(table.sql)
            WHERE consumer_name = $1 AND global_position = ANY($2) AND (state <> 'halted' OR redrive_requested)
            """
        return BoundStatement(Statement(name: "dead_letters_decided", sql: sql), [consumer, positions])
    }

    /// Notes that events which segments halted at were delivered after all.
    func passed(_ consumer: String, _ positions: [Int64]) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET state = 'redriven', redrive_requested = false, last_at = clock_timestamp()
            WHERE consumer_name = $1 AND global_position = ANY($2) AND state = 'halted'
            """
        return BoundStatement(Statement(name: "dead_letters_passed", sql: sql), [consumer, positions])
    }

    // MARK: Redriving

    /// Takes an aggregate's first parked events to be delivered, none once its segment was claimed anew: position.
    func take(
        _ consumer: String, _ aggregate: AggregateIdentity, in segment: ServedSegment, limit: Int
    ) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET state = 'redriving', redrive_epoch = $7
            WHERE consumer_name = $1 AND state <> 'halted' AND \(Self.open) AND global_position IN (
                SELECT global_position FROM \(table.sql)
                WHERE consumer_name = $1 AND bounded_context = $2 AND aggregate_type = $3 AND aggregate_id = $4
                AND state <> 'halted' AND \(Self.open) ORDER BY global_position LIMIT $5)
            AND EXISTS (
                SELECT FROM \(segments.sql) WHERE consumer_name = $1 AND segment_id = $6 AND epoch = $7 FOR SHARE)
            RETURNING global_position
            """
        return BoundStatement(
            Statement(name: "dead_letters_take", sql: sql),
            [
                consumer, aggregate.boundedContext, aggregate.aggregateType, aggregate.aggregateID, limit,
                Int32(segment.segment), segment.epoch,
            ])
    }

    /// Notes how a redrive ended: what was delivered, what failed and why, and what was not come to.
    ///
    /// Nothing is changed of what another claim has taken since.
    func settle(_ consumer: String, in segment: ServedSegment, _ outcome: RedriveOutcome) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET
                state = CASE WHEN global_position = ANY($2) THEN 'redriven' ELSE 'parked' END,
                is_cause = is_cause OR coalesce(global_position = $4, false),
                attempts = attempts + CASE WHEN global_position = $4 THEN 1 ELSE 0 END,
                reason = CASE WHEN global_position = $4 THEN $5 ELSE reason END,
                error = CASE WHEN global_position = $4 THEN $6 ELSE error END,
                redrive_requested = false, last_at = clock_timestamp()
            WHERE consumer_name = $1 AND redrive_epoch = $7 AND (
                global_position = ANY($2) AND state IN ('parked', 'redriving')
                OR (global_position = ANY($3) OR global_position = $4) AND state = 'redriving')
            """
        return BoundStatement(
            Statement(name: "dead_letters_settle", sql: sql),
            [
                consumer, outcome.delivered, outcome.left, outcome.failed?.position, outcome.failed?.reason.rawValue,
                outcome.failed?.error, segment.epoch,
            ])
    }

    /// How many events of an aggregate are parked.
    func size(_ consumer: String, _ aggregate: AggregateIdentity) -> BoundStatement {
        let sql = """
            SELECT count(*) FROM \(table.sql)
            WHERE consumer_name = $1 AND bounded_context = $2 AND aggregate_type = $3 AND aggregate_id = $4
            AND \(Self.open) AND state <> 'halted'
            """
        return BoundStatement(
            Statement(name: "dead_letters_size", sql: sql),
            [consumer, aggregate.boundedContext, aggregate.aggregateType, aggregate.aggregateID])
    }
}
