package import Postgres

/// The table `consumer_controls`: what was ordered for each consumer, and who ordered it last. No row, no order.
///
/// Event stores that share Godwit's schema are told apart by the names of their events tables.
package struct ControlsTable: Sendable {
    private let table: TableName
    private let events: String

    package init(_ tables: TableNames) {
        table = tables.godwitTable("consumer_controls")
        events = tables.events.text
    }

    static func sql(_ tables: TableNames) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(ControlsTable(tables).table.sql) (
            events_table text NOT NULL,
            consumer_name text NOT NULL,
            is_paused boolean NOT NULL DEFAULT false,
            rate double precision CHECK (rate > 0),
            changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            changed_by text NOT NULL,
            PRIMARY KEY (events_table, consumer_name)
        );
        """
    }

    /// For another statement's FROM: adds `is_paused`, `rate` and `is_drained`, NULL without an order, to rows that have a column
    /// `consumer_name`. Workers read them along with their heartbeat, so that they cost no statement of their own.
    package var join: String {
        """
        LEFT JOIN (SELECT consumer_name, is_paused, rate, drained_until > clock_timestamp() AS is_drained
            FROM \(table.sql) WHERE events_table = \(quoteLiteral(events)))
            AS controls USING (consumer_name)
        """
    }

    /// Records a change and gives what holds from now on: whether paused, the rate, and whether that is new.
    package func apply(_ change: ControlChange, to consumer: String, by actor: String) -> BoundStatement {
        let (name, columns, values, assignment): (String, String, [any PostgresEncodable], String) =
            switch change {
            case .pause: ("controls_pause", "is_paused", [true], "is_paused = true")
            case .resume: ("controls_resume", "is_paused", [false], "is_paused = false")
            case .rate(let rate): ("controls_rate", "rate", [rate], "rate = excluded.rate")
            }
        let sql = """
            WITH before AS (
                SELECT is_paused, rate FROM \(table.sql) WHERE events_table = $1 AND consumer_name = $2
            ), changed AS (
                INSERT INTO \(table.sql) AS controls (events_table, consumer_name, changed_by, \(columns))
                VALUES ($1, $2, $3, $4)
                ON CONFLICT (events_table, consumer_name) DO UPDATE
                SET \(assignment), changed_by = excluded.changed_by, changed_at = clock_timestamp()
                RETURNING is_paused, rate
            )
            SELECT changed.is_paused, changed.rate,
                (changed.is_paused, changed.rate) IS DISTINCT FROM (coalesce(before.is_paused, false), before.rate)
            FROM changed LEFT JOIN before ON true
            """
        return BoundStatement(Statement(name: name, sql: sql), [events, consumer, actor] + values)
    }

    /// Has all workers give the consumer's segments back, and claim none, for so many seconds; at once no longer for none.
    package func drain(_ consumer: String, for seconds: Double, by actor: String) -> BoundStatement {
        let sql = """
            INSERT INTO \(table.sql) (events_table, consumer_name, changed_by, drained_until)
            VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
            ON CONFLICT (events_table, consumer_name) DO UPDATE SET drained_until = excluded.drained_until
            """
        return BoundStatement(Statement(name: "controls_drain", sql: sql), [events, consumer, actor, seconds])
    }

    /// Every order: consumer, whether paused, the rate or NULL, seconds since the change, and who made it.
    package var all: BoundStatement {
        let sql = """
            SELECT consumer_name, is_paused, rate, extract(epoch FROM clock_timestamp() - changed_at)::float8, changed_by
            FROM \(table.sql) WHERE events_table = $1
            """
        return BoundStatement(Statement(name: "controls_all", sql: sql), [events])
    }

    /// Notifies the relays that listen to the channel, once the transaction commits.
    package func tell(_ channel: String) -> BoundStatement {
        BoundStatement(Statement("SELECT pg_notify($1, $2)"), [channel, Self.payload])
    }

    /// Distinguishes this notification from those of appends.
    package static let payload = "godwit controls"
}
