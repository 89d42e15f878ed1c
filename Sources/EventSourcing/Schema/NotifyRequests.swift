package import Postgres

/// The table in which relays ask to be notified of appends, and the trigger that does so for foreign writers.
///
/// A notification makes commits wait in line, so appends send one only while a relay asks for it: a relay that is
/// asleep does, a busy one does not.
package struct NotifyRequests: Sendable {
    private let table: TableName
    private let function: TableName
    private let events: TableName

    package init(_ tables: TableNames) {
        table = tables.godwitTable("notify_requests")
        function = tables.godwitTable("notify_appended")
        events = tables.events
    }

    static func sql(_ tables: TableNames) -> String {
        let requests = NotifyRequests(tables)
        return """
            CREATE TABLE IF NOT EXISTS \(requests.table.sql) (
                channel text NOT NULL,
                requester text NOT NULL,
                expires_at timestamptz NOT NULL,
                PRIMARY KEY (channel, requester)
            );
            CREATE OR REPLACE FUNCTION \(requests.function.sql)() RETURNS trigger LANGUAGE plpgsql
            SECURITY DEFINER SET search_path = pg_catalog AS $$
            BEGIN
                IF EXISTS (\(requests.wanted("TG_ARGV[0]"))) THEN
                    PERFORM pg_notify(TG_ARGV[0], '');
                END IF;
                RETURN NULL;
            END $$;
            """
    }

    /// A query that has a row while a relay asks for notifications on the channel, an SQL expression.
    func wanted(_ channel: String) -> String {
        "SELECT FROM \(table.sql) WHERE channel = \(channel) AND expires_at > now()"
    }

    /// Asks for notifications, for so long unless asked again, and forgets requesters that are gone: every insert looks
    /// through the table. It waits for no row of others, and takes theirs after its own, so that two cannot wait for each other.
    package func ask(_ channel: String, requester: String, for time: Duration) -> BoundStatement {
        let sql = """
            WITH asked AS (
                INSERT INTO \(table.sql) (channel, requester, expires_at)
                VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
                ON CONFLICT (channel, requester) DO UPDATE SET expires_at = excluded.expires_at
                RETURNING 1
            )
            DELETE FROM \(table.sql) WHERE (channel, requester) IN (
                SELECT channel, requester FROM \(table.sql)
                WHERE (SELECT count(*) FROM asked) > 0 AND expires_at < now() AND (channel, requester) <> ($1, $2)
                LIMIT 100 FOR UPDATE SKIP LOCKED)
            """
        return BoundStatement(Statement(name: "notify_ask", sql: sql), [channel, requester, time / .seconds(1)])
    }

    /// Takes the request back.
    package func withdraw(_ channel: String, requester: String) -> BoundStatement {
        let sql = "DELETE FROM \(table.sql) WHERE channel = $1 AND requester = $2"
        return BoundStatement(Statement(name: "notify_withdraw", sql: sql), [channel, requester])
    }

    /// Makes every insert into the events table notify the channel while a relay asks for it, by any program. Does nothing
    /// where the trigger is there and notifies the channel; another one of its name is replaced.
    package func installTrigger(_ channel: String) -> String {
        """
        DO $godwit$ BEGIN
        IF NOT EXISTS (\(trigger(channel, in: quoteLiteral(events.sql) + "::regclass"))) THEN
            DROP TRIGGER IF EXISTS godwit_notify ON \(events.sql);
            CREATE TRIGGER godwit_notify AFTER INSERT ON \(events.sql)
                FOR EACH STATEMENT EXECUTE FUNCTION \(function.sql)(\(quoteLiteral(channel)));
            -- Also for sessions that apply what was replicated.
            ALTER TABLE \(events.sql) ENABLE ALWAYS TRIGGER godwit_notify;
        END IF;
        END $godwit$;
        """
    }

    /// A query that has a row where the trigger is there, is enabled, and notifies the channel.
    private func trigger(_ channel: String, in table: String) -> String {
        """
        SELECT true FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = \(table) AND t.tgname = 'godwit_notify' AND t.tgenabled IN ('O', 'A')
        AND t.tgargs = convert_to(\(quoteLiteral(channel)), 'UTF8') || '\\x00'::bytea
        """
    }

    /// How inserts notify, as SQL expressions for a SELECT list: the table's oid, 0 if it is missing; whether the trigger
    /// is there, enabled, and notifies the channel; whether the server lets transactions be prepared; whether the table has
    /// partitions or heirs, into which rows can be inserted without its trigger.
    package func state(_ channel: String) -> String {
        // Not by `to_regclass`, which needs the right to use the schema.
        let table = """
            (SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = \(quoteLiteral(events.schema)) AND c.relname = \(quoteLiteral(events.name)))
            """
        return """
            coalesce(\(table)::bigint, 0), coalesce((\(trigger(channel, in: table))), false),
            current_setting('max_prepared_transactions') <> '0',
            EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhparent = \(table))
            """
    }

    /// Removes what ``installTrigger(_:)`` made.
    package var removeTrigger: String {
        "DROP TRIGGER IF EXISTS godwit_notify ON \(events.sql);"
    }
}

/// The text as an SQL literal.
package func quoteLiteral(_ text: String) -> String {
    "'" + text.replacing("'", with: "''") + "'"
}
