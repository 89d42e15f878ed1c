import Postgres
import TestSupport
import Testing

@testable import EventSourcing

@Suite struct SchemaTests {
    private func withSchema(_ body: (Connection, TableNames) async throws -> Void) async throws {
        let database = try await TestDatabase()
        let connection = try await Connection.open(ConnectionConfiguration(database.url))
        let tables = try TableNames(inSchema: database.schema, godwitSchema: database.schema)
        do {
            try await body(connection, tables)
        } catch {
            try await connection.execute(script: "DROP SCHEMA IF EXISTS \"\(database.schema)\" CASCADE")
            throw error
        }
        try await connection.execute(script: "DROP SCHEMA IF EXISTS \"\(database.schema)\" CASCADE")
        await connection.close()
    }

    @Test func `migrating twice does nothing the second time`() async throws {
        try await withSchema { connection, tables in
            let schema = Schema(tables)
            var version = try await schema.currentVersion(on: connection)
            #expect(version == 0)
            var applied = try await schema.migrate(on: connection)
            #expect(applied.count == schema.latestVersion)
            applied = try await schema.migrate(on: connection)
            #expect(applied == [])
            version = try await schema.currentVersion(on: connection)
            #expect(version == schema.latestVersion)
        }
    }

    @Test func `processes that migrate at once apply each step once`() async throws {
        try await withSchema { connection, tables in
            let url = try await TestPostgres.shared.url()
            let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let connection = try await Connection.open(ConnectionConfiguration(url))
                        let count = try await Schema(tables).migrate(on: connection).count
                        await connection.close()
                        return count
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(applied == Schema(tables).latestVersion)
        }
    }

    @Test func `the printed script does what migrating does, and may be run again`() async throws {
        try await withSchema { connection, tables in
            let schema = Schema(tables)
            try await connection.execute(script: schema.script)
            try await connection.execute(script: schema.script)
            let version = try await schema.currentVersion(on: connection)
            #expect(version == schema.latestVersion)
            let applied = try await schema.migrate(on: connection)
            #expect(applied == [])
        }
    }

    @Test func `a database of the Go library is taken over, its rows read, its second index dropped`() async throws {
        try await withSchema { connection, tables in
            let name = tables.godwitSchema
            try await connection.execute(script: goSchema(name))
            // What the Go library sends, through another driver but with the same columns and values.
            try await connection.execute(
                script: """
                    SET search_path = \(name);
                    INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id,
                        event_type, event_version, payload, trace_id, correlation_id, causation_id, metadata, created_at)
                    VALUES ('Identity', 'User', 'user-1', 1, gen_random_uuid(), 'UserRegistered', 1, '{"a":1}', NULL,
                        NULL, NULL, NULL, now());
                    INSERT INTO aggregate_heads (bounded_context, aggregate_type, aggregate_id, aggregate_version,
                        updated_at) VALUES ('Identity', 'User', 'user-1', 1, now());
                    RESET search_path;
                    """)
            _ = try await Schema(tables).migrate(on: connection)
            let store = EventStore(tables: tables)
            let result = try await connection.withTransaction {
                try await store.append([.sample()], expecting: .exact(1), in: $0)
            }
            #expect(result.toVersion == 2)
            let events = try await store.readEvents(after: 0, limit: 10, in: connection)
            #expect(events.count == 2)
            let indexes = try await connection.query(
                "SELECT count(*) FROM pg_indexes WHERE schemaname = $1 AND indexname = 'idx_events_aggregate'", name)
            #expect(try indexes.first?.decode(0, as: Int.self) == 0)
            // And its own statements still work beside ours.
            try await connection.execute(
                script: "INSERT INTO \(name).consumer_segments VALUES ('c', 0, 1, NULL, 0)")
        }
    }

    private func goSchema(_ name: String) -> String {
        """
        CREATE SCHEMA \(name);
        CREATE TABLE \(name).events (global_position BIGSERIAL PRIMARY KEY, bounded_context TEXT NOT NULL,
            aggregate_type TEXT NOT NULL, aggregate_id TEXT NOT NULL, aggregate_version BIGINT NOT NULL,
            event_id UUID NOT NULL UNIQUE, event_type TEXT NOT NULL, event_version INT NOT NULL DEFAULT 1,
            payload BYTEA NOT NULL, trace_id TEXT, correlation_id TEXT, causation_id TEXT, metadata JSONB,
            created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
            UNIQUE (bounded_context, aggregate_type, aggregate_id, aggregate_version));
        CREATE INDEX idx_events_aggregate
            ON \(name).events (bounded_context, aggregate_type, aggregate_id, aggregate_version);
        CREATE TABLE \(name).aggregate_heads (bounded_context TEXT NOT NULL, aggregate_type TEXT NOT NULL,
            aggregate_id TEXT NOT NULL, aggregate_version BIGINT NOT NULL,
            updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
            PRIMARY KEY (bounded_context, aggregate_type, aggregate_id));
        CREATE TABLE \(name).consumer_segments (consumer_name TEXT NOT NULL, segment_id INT NOT NULL,
            total_segments INT NOT NULL, owner_id TEXT, checkpoint BIGINT NOT NULL DEFAULT 0,
            PRIMARY KEY (consumer_name, segment_id));
        """
    }

    @Test(arguments: [
        "", "a.b.c", "1table", "events; DROP TABLE x", "ev\"ents", "ünïcode", String(repeating: "x", count: 64),
    ])
    func `a table name that needs quoting is refused`(name: String) {
        #expect(throws: EventStoreError.self) { try TableName(name) }
    }

    @Test func `registrations of all sources learn which table is theirs, and none learns another's`() async throws {
        try await withSchema { connection, tables in
            _ = try await Schema(tables).migrate(on: connection)
            let (schema, registered) = (tables.godwitSchema, tables.godwitTable("registered_consumers").sql)
            let odd = try TableName(source: #""\#(schema)"."Out.box""#)
            try await connection.execute(
                script: """
                    CREATE TABLE \(odd.sql) (id bigint);
                    CREATE TABLE \(schema).known (id bigint);
                    INSERT INTO \(registered) (events_table, consumer_name, registered_by, table_oid)
                    SELECT name, 'c', 't', id FROM (VALUES (\(quoteLiteral(tables.events.text)), NULL),
                        (\(quoteLiteral(odd.text)), NULL), ('\(schema).gone', NULL), ('\(schema).known', 7::oid)) AS rows (name, id);
                    \(RetentionTables.ofTables(tables));
                    """)
            let rows = try await connection.query(
                Statement(
                    """
                    SELECT events_table, table_oid::bigint = to_regclass(events_table)::bigint, table_oid::bigint
                    FROM \(registered) ORDER BY table_oid::bigint NULLS FIRST
                    """))
            #expect(rows.count == 4)
            for row in rows {
                let name: String = try row.decode(0)
                let (isRight, id) = (
                    try row.decodeIfPresent(1, as: Bool.self), try row.decodeIfPresent(2, as: Int64.self)
                )
                switch name {
                case "\(schema).gone": #expect(id == nil)
                case "\(schema).known": #expect(id == 7, "what is known stays")
                default: #expect(isRight == true, "\(name)")
                }
            }
        }
    }

    @Test func `a table name may have a schema`() throws {
        #expect(try TableName("app.events").text == "app.events")
        #expect(try TableName("events").text == "public.events")
    }
}
