import Consumers
package import EventSourcing
import Postgres

/// The SQL by which people look at dead letters and decide about them. What the relay does is in
/// `DeadLettersTable+Relay`.
package struct DeadLettersTable: Sendable {
    let table: TableName
    let segments: TableName
    private let workers: TableName
    private let tables: TableNames

    package init(_ tables: TableNames) {
        self.tables = tables
        table = tables.godwitTable("dead_letters")
        workers = tables.consumerWorkers
        segments = tables.consumerSegments
    }

    static let open = "state IN ('halted', 'parked', 'redriving')"
    static let columns = """
        consumer_name, global_position, segment_id, event_id, event_type, bounded_context, aggregate_type, \
        aggregate_id, aggregate_version, state, is_cause, redrive_requested, reason, error, attempts, first_at, last_at
        """

    static let columnCount = columns.split(separator: ",").count

    /// The conditions for the parameters of a selection, which are `$1` to `$5`.
    private static let selected = """
        ($1::text IS NULL OR letters.consumer_name = $1) AND ($2::bigint IS NULL OR letters.global_position = $2)
        AND ($3::text IS NULL OR letters.aggregate_id = $3) AND ($4::text IS NULL OR letters.aggregate_type = $4)
        AND ($5::text IS NULL OR letters.bounded_context = $5)
        """

    private static func values(_ selection: DeadLetterSelection) -> [any PostgresEncodable] {
        [
            selection.consumer, selection.position, selection.aggregateID, selection.aggregateType,
            selection.boundedContext,
        ]
    }

    /// Those selected, in the order of consumers and positions, behind a position.
    ///
    /// - Parameter others: consumers whose events are left out.
    func list(
        _ selection: DeadLetterSelection, states: [DeadLetter.State], after position: Int64, limit: Int,
        others: Set<String>
    ) -> BoundStatement {
        let sql = """
            SELECT \(Self.columns) FROM \(table.sql) AS letters
            WHERE \(Self.selected) AND state = ANY($6) AND global_position > $7
            AND consumer_name <> ALL($9)
            ORDER BY consumer_name, global_position LIMIT $8
            """
        return BoundStatement(
            Statement(name: "dead_letters_list", sql: sql),
            Self.values(selection) + [states.map(\.rawValue), position, limit, others.sorted()])
    }

    /// Those that are open, in the order of consumers and positions, behind a place in that order; with how many events of the same
    /// aggregate wait, itself included, up to 1,000.
    ///
    /// - Parameter causesOnly: whether those that only wait behind another are left out.
    func openPage(
        _ selection: DeadLetterSelection, state: DeadLetter.State?, causesOnly: Bool, after place: DeadLetterPlace,
        limit: Int
    ) -> BoundStatement {
        let columns = Self.columns.split(separator: ", ").map { "letters.\($0)" }.joined(separator: ", ")
        let sql = """
            SELECT \(columns), (SELECT count(*) FROM (
                SELECT FROM \(table.sql) AS others WHERE others.consumer_name = letters.consumer_name
                AND others.segment_id = letters.segment_id AND others.bounded_context = letters.bounded_context
                AND others.aggregate_type = letters.aggregate_type AND others.aggregate_id = letters.aggregate_id
                AND others.\(Self.open) LIMIT 1000) AS counted)
            FROM (SELECT * FROM \(table.sql) AS letters
                WHERE \(Self.selected) AND \(Self.open) AND ($6::text IS NULL OR state = $6) AND (NOT $7 OR is_cause)
                AND (consumer_name, global_position) > ($8, $9)
                ORDER BY consumer_name, global_position LIMIT $10) AS letters
            ORDER BY letters.consumer_name, letters.global_position
            """
        return BoundStatement(
            Statement(name: "dead_letters_page", sql: sql),
            Self.values(selection) + [state?.rawValue, causesOnly, place.consumer, place.position, limit])
    }

    /// By consumer: how many are open, and how many of these are causes, and how many segments halt.
    var counts: BoundStatement {
        let sql = """
            SELECT consumer_name, count(*), count(*) FILTER (WHERE is_cause), count(*) FILTER (WHERE state = 'halted')
            FROM \(table.sql) WHERE \(Self.open) GROUP BY consumer_name ORDER BY consumer_name
            """
        return BoundStatement(Statement(name: "dead_letters_counts", sql: sql))
    }

    /// Where segments halt: consumer, segment, position, seconds since then, error.
    var halts: BoundStatement {
        let sql = """
            SELECT consumer_name, segment_id, global_position,
                extract(epoch FROM clock_timestamp() - first_at)::float8, error
            FROM \(table.sql) WHERE state = 'halted' ORDER BY consumer_name, segment_id, global_position
            """
        return BoundStatement(Statement(name: "dead_letters_halts", sql: sql))
    }

    /// The consumers that were started on the database.
    var consumers: BoundStatement {
        let sql = "SELECT DISTINCT consumer_name FROM \(segments.sql) ORDER BY consumer_name"
        return BoundStatement(Statement(name: "dead_letters_consumers", sql: sql))
    }

    /// Locks what is open of a selection until the transaction ends: position, whether a relay is delivering it now.
    ///
    /// Only the segment's owner delivers, under the claim with which it took the event, and only while it lives. Versions
    /// before 13 of the schema did not record the claim.
    func lock(_ selection: DeadLetterSelection) -> BoundStatement {
        let sql = """
            SELECT global_position, state = 'redriving' AND EXISTS (
                SELECT FROM \(segments.sql) AS segments
                JOIN \(workers.sql) AS workers
                    ON workers.consumer_name = segments.consumer_name AND workers.worker_id = segments.owner_id
                WHERE segments.consumer_name = letters.consumer_name AND segments.segment_id = letters.segment_id
                AND segments.epoch = coalesce(letters.redrive_epoch, segments.epoch)
                AND workers.last_heartbeat > clock_timestamp() - interval '30 s'
                AND NOT (workers.session_lock AND \(WorkersTable.lockIsFree)))
            FROM \(table.sql) AS letters
            WHERE \(Self.selected) AND \(Self.open) ORDER BY global_position FOR UPDATE OF letters
            """
        return BoundStatement(Statement(name: "dead_letters_lock", sql: sql), Self.values(selection))
    }

    /// Asks for the aggregates of those selected to be delivered again: marks the first open event of each, behind
    /// which the others wait.
    func requestRedrive(_ selection: DeadLetterSelection) -> BoundStatement {
        let sql = """
            WITH chosen AS (
                SELECT DISTINCT consumer_name, bounded_context, aggregate_type, aggregate_id
                FROM \(table.sql) AS letters WHERE \(Self.selected) AND \(Self.open)
            ), firsts AS (
                SELECT DISTINCT ON (consumer_name, bounded_context, aggregate_type, aggregate_id)
                    consumer_name, global_position
                FROM \(table.sql) JOIN chosen USING (consumer_name, bounded_context, aggregate_type, aggregate_id)
                WHERE \(Self.open)
                ORDER BY consumer_name, bounded_context, aggregate_type, aggregate_id, global_position
            )
            UPDATE \(table.sql) AS letters SET redrive_requested = true FROM firsts
            WHERE letters.consumer_name = firsts.consumer_name AND letters.global_position = firsts.global_position
            AND \(Self.open)
            RETURNING \(Self.returned)
            """
        return BoundStatement(Statement(name: "dead_letters_request_redrive", sql: sql), Self.values(selection))
    }

    /// Gives up those selected, none of which a relay may be delivering.
    func discard(_ selection: DeadLetterSelection) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS letters
            SET state = 'discarded', redrive_requested = false, last_at = clock_timestamp()
            WHERE \(Self.selected) AND \(Self.open) RETURNING \(Self.returned)
            """
        return BoundStatement(Statement(name: "dead_letters_discard", sql: sql), Self.values(selection))
    }

    /// Sets aside those selected that segments halt at.
    func park(_ selection: DeadLetterSelection) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS letters SET state = 'parked', redrive_requested = false, last_at = clock_timestamp()
            WHERE \(Self.selected) AND state = 'halted' RETURNING \(Self.returned)
            """
        return BoundStatement(Statement(name: "dead_letters_park", sql: sql), Self.values(selection))
    }

    /// The positions of what is open, of all consumers of the source, ascending: an event that is to be delivered again is read again.
    func openPositions(limit: Int) -> BoundStatement {
        let sql = """
            SELECT DISTINCT global_position FROM \(table.sql) WHERE \(Self.open)
                AND \(SourceRows(tables).owns("consumer_name")) ORDER BY 1 LIMIT $1
            """
        return BoundStatement(Statement(name: "dead_letters_open_positions", sql: sql), [limit])
    }

    /// Removes some of what was decided about so many seconds ago: what was delivered, and what was given up and whose event is
    /// gone. As long as an event is there, `verify` asks why it was not delivered.
    ///
    /// A relay that begins a segment asks about all behind its checkpoint, and an audit looks for what was parked.
    func removeDecided(olderThan seconds: Double, limit: Int) -> BoundStatement {
        let sql = """
            DELETE FROM \(table.sql) WHERE (consumer_name, global_position) IN (
                SELECT consumer_name, global_position FROM \(table.sql) AS letters
                WHERE state IN ('redriven', 'discarded') AND last_at < clock_timestamp() - make_interval(secs => $1)
                AND \(SourceRows(tables).owns("letters.consumer_name"))
                AND (state = 'redriven' OR NOT \(EventsTable(tables.source).has("letters.global_position")))
                AND global_position <= coalesce((SELECT min(checkpoint) FROM \(segments.sql) AS own
                    WHERE own.consumer_name = letters.consumer_name), \(Int64.max))
                AND NOT EXISTS (SELECT FROM \(tables.godwitTable("delivery_audits").sql) AS audits
                    WHERE audits.consumer_name = letters.consumer_name AND letters.global_position = ANY (
                        audits.parked_positions || audits.suspects || audits.missing_positions))
                LIMIT $2)
            """
        return BoundStatement(Statement(sql), [seconds, limit])
    }

    /// Removes everything of a consumer.
    func forget(_ consumer: String) -> BoundStatement {
        BoundStatement(Statement("DELETE FROM \(table.sql) WHERE consumer_name = $1"), [consumer])
    }

    /// The aggregate ids that a consumer has rows of.
    func aggregateIDs(_ consumer: String) -> BoundStatement {
        BoundStatement(
            Statement("SELECT DISTINCT aggregate_id FROM \(table.sql) WHERE consumer_name = $1"), [consumer])
    }

    /// The aggregates of the rows at some positions: position, aggregate.
    func aggregates(_ consumer: String, of positions: [Int64]) -> BoundStatement {
        let sql = """
            SELECT global_position, aggregate_id FROM \(table.sql) WHERE consumer_name = $1 AND global_position = ANY($2)
            """
        return BoundStatement(Statement(sql), [consumer, positions])
    }

    /// Puts the rows of aggregates into other segments.
    func move(_ consumer: String, _ segments: [(aggregateID: String, segment: Int)]) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS letters SET segment_id = moved.segment_id
            FROM unnest($2::text[], $3::integer[]) AS moved (aggregate_id, segment_id)
            WHERE letters.consumer_name = $1 AND letters.aggregate_id = moved.aggregate_id
            """
        return BoundStatement(
            Statement(sql), [consumer, segments.map(\.aggregateID), segments.map { Int32($0.segment) }])
    }

    private static let returned =
        columns.split(separator: ", ").map { "letters.\($0)" }.joined(separator: ", ")
}
