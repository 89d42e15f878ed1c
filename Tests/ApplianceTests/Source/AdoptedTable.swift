import Testing

/// A table as a known project makes it, and a statement as its client writes one event.
struct AdoptedTable: Sendable, CustomTestStringConvertible {
    let name: String
    /// The table's name.
    let table: String
    let ddl: String
    /// How it is recognised.
    let recognised: String
    /// Inserts an event: `$agg` is its aggregate's number, `$n` its own, unique; a UUID is made of either.
    let insert: String
    var arguments: [String] = []
    /// Whether events of an aggregate come in order: not where nothing says what the aggregate is.
    var hasAggregates = true

    var testDescription: String { name }

    func statement(_ aggregate: Int, _ number: Int) -> String {
        func uuid(_ kind: Int, _ value: Int) -> String {
            "0000000\(kind)-0000-4000-8000-" + String(repeating: "0", count: 12 - "\(value)".count) + "\(value)"
        }
        return insert.replacing("$agg_uuid", with: uuid(1, aggregate)).replacing("$n_uuid", with: uuid(2, number))
            .replacing("$agg", with: "\(aggregate)").replacing("$n", with: "\(number)")
    }

    static let all: [AdoptedTable] = [
        AdoptedTable(
            name: "pupsourcing/store", table: "events",
            ddl: """
                CREATE TABLE IF NOT EXISTS events (global_position BIGSERIAL PRIMARY KEY, aggregate_type TEXT NOT NULL,
                    aggregate_id TEXT NOT NULL, aggregate_version BIGINT NOT NULL, event_id UUID NOT NULL UNIQUE,
                    event_type TEXT NOT NULL, event_version INT NOT NULL DEFAULT 1, payload BYTEA NOT NULL, trace_id TEXT,
                    correlation_id TEXT, causation_id TEXT, metadata JSONB, created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
                    UNIQUE (aggregate_type, aggregate_id, aggregate_version));
                """,
            recognised: "pupsourcing/store",
            insert: """
                INSERT INTO events (aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
                VALUES ('Order', 'a$agg', $n, '$n_uuid', 'n$n', '{"n": $n}')
                """),
        AdoptedTable(
            name: "Debezium", table: "outboxevent",
            ddl: """
                CREATE TABLE outboxevent (id uuid NOT NULL PRIMARY KEY, aggregatetype character varying(255) NOT NULL,
                    aggregateid character varying(255) NOT NULL, type character varying(255) NOT NULL, payload jsonb);
                """,
            recognised: "Debezium's outbox",
            insert: """
                INSERT INTO outboxevent (id, aggregatetype, aggregateid, type, payload)
                VALUES ('$n_uuid', 'Order', 'a$agg', 'n$n', '{"n": $n}')
                """),
        AdoptedTable(
            name: "Marten", table: "mt_events",
            ddl: """
                CREATE TABLE mt_streams (id uuid NOT NULL, type varchar NULL, version bigint NULL,
                    timestamp timestamptz NOT NULL DEFAULT (now()), CONSTRAINT pkey_mt_streams_id PRIMARY KEY (id));
                CREATE TABLE mt_events (seq_id bigint NOT NULL, id uuid NOT NULL, stream_id uuid NULL,
                    version bigint NOT NULL, data jsonb NOT NULL, type varchar(500) NOT NULL,
                    timestamp timestamp with time zone NOT NULL DEFAULT (now()),
                    tenant_id varchar NULL DEFAULT '*DEFAULT*', mt_dotnet_type varchar NULL, correlation_id varchar NULL,
                    causation_id varchar NULL, headers jsonb NULL, is_archived bool NULL DEFAULT FALSE,
                    CONSTRAINT pkey_mt_events_seq_id PRIMARY KEY (seq_id));
                CREATE UNIQUE INDEX pk_mt_events_stream_and_version ON mt_events USING btree (stream_id, version);
                CREATE SEQUENCE mt_events_sequence;
                ALTER SEQUENCE mt_events_sequence OWNED BY mt_events.seq_id;
                """,
            recognised: "Marten",
            insert: """
                INSERT INTO mt_events (seq_id, id, stream_id, version, data, type, tenant_id, mt_dotnet_type)
                VALUES (nextval('mt_events_sequence'), '$n_uuid', '$agg_uuid', $n, '{"n": $n}', 'n$n', '*DEFAULT*', 'X')
                """),
        AdoptedTable(
            name: "Emmett", table: "emt_messages",
            ddl: """
                CREATE SEQUENCE emt_global_message_position;
                CREATE TABLE emt_messages (stream_id TEXT NOT NULL, stream_position BIGINT NOT NULL,
                    partition TEXT NOT NULL DEFAULT 'global', message_kind CHAR(1) NOT NULL DEFAULT 'E',
                    message_data JSONB NOT NULL, message_metadata JSONB NOT NULL, message_schema_version TEXT NOT NULL,
                    message_type TEXT NOT NULL, message_id TEXT NOT NULL, is_archived BOOLEAN NOT NULL DEFAULT FALSE,
                    global_position BIGINT DEFAULT nextval('emt_global_message_position'), transaction_id XID8 NOT NULL,
                    created TIMESTAMPTZ NOT NULL DEFAULT now(),
                    PRIMARY KEY (stream_id, stream_position, partition, is_archived)) PARTITION BY LIST (partition);
                CREATE TABLE emt_messages_emt_default PARTITION OF emt_messages FOR VALUES IN ('global')
                    PARTITION BY LIST (is_archived);
                CREATE TABLE emt_messages_emt_default_active PARTITION OF emt_messages_emt_default FOR VALUES IN (FALSE);
                CREATE TABLE emt_messages_emt_default_archived PARTITION OF emt_messages_emt_default FOR VALUES IN (TRUE);
                """,
            recognised: "Emmett",
            insert: """
                INSERT INTO emt_messages (stream_id, stream_position, message_data, message_metadata,
                    message_schema_version, message_type, message_id, transaction_id)
                VALUES ('cart-$agg', $n, '{"n": $n}', '{}', '1', 'n$n', '$n_uuid', pg_current_xact_id())
                """),
        AdoptedTable(
            name: "Rails Event Store", table: "event_store_events",
            ddl: """
                CREATE TABLE event_store_events (id bigserial PRIMARY KEY, event_id uuid NOT NULL,
                    event_type character varying NOT NULL, metadata jsonb, data jsonb NOT NULL,
                    created_at timestamp(6) without time zone NOT NULL, valid_at timestamp(6) without time zone);
                CREATE UNIQUE INDEX index_event_store_events_on_event_id ON event_store_events (event_id);
                """,
            recognised: "Rails Event Store",
            insert: """
                INSERT INTO event_store_events (event_id, event_type, metadata, data, created_at)
                VALUES ('$n_uuid', 'n$n', '{}', '{"n": $n, "aggregate": $agg}', now())
                """,
            hasAggregates: false),
        AdoptedTable(
            name: "eventsourcing", table: "stored_events",
            ddl: """
                CREATE TABLE stored_events (originator_id uuid NOT NULL, originator_version bigint NOT NULL, topic text,
                    state bytea, notification_id bigserial, PRIMARY KEY (originator_id, originator_version));
                CREATE UNIQUE INDEX stored_events_notification_id_idx ON stored_events (notification_id ASC);
                """,
            recognised: "Python's eventsourcing",
            insert: """
                INSERT INTO stored_events (originator_id, originator_version, topic, state)
                VALUES ('$agg_uuid', $n, 'n$n', '{"n": $n}')
                """),
        AdoptedTable(
            name: "a home-made one", table: "\"Domain Events\"",
            ddl: """
                CREATE TYPE entity AS ENUM ('Order', 'Basket');
                CREATE TABLE "Domain Events" ("eventId" varchar(36) PRIMARY KEY, "entityType" entity NOT NULL,
                    "entityId" bigint NOT NULL, "eventName" text NOT NULL, body json NOT NULL,
                    "occurredOn" timestamp NOT NULL DEFAULT now());
                """,
            recognised: "a table of another shape",
            insert: """
                INSERT INTO "Domain Events" ("eventId", "entityType", "entityId", "eventName", body)
                VALUES ('$n_uuid', 'Order', $agg, 'n$n', '{"n": $n}')
                """),
    ]
}
