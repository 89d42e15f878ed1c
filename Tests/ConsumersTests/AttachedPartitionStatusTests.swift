import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

/// What `status` finds out about a log that no process reads.
@Suite struct AttachedPartitionStatusTests {
    @Test func `a partition with passed positions is a refusal, also where no relay runs that could say so`()
        async throws
    {
        try await TestStore.with { store in
            let connection = try await store.connect()
            let (tables, schema) = (store.tables, store.tables.events.schema)
            func insert(_ count: Int, into table: String) -> String {
                """
                INSERT INTO \(table) (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
                SELECT 'a', 'b', gen_random_uuid()::text, 1, gen_random_uuid(), 'c', '' FROM generate_series(1, \(count));
                """
            }
            try await connection.execute(
                script: """
                    SET search_path = \(schema);
                    \(insert(20, into: "events"))
                    ALTER TABLE events RENAME TO events_old;
                    CREATE TABLE events (LIKE events_old INCLUDING DEFAULTS, PRIMARY KEY (global_position))
                        PARTITION BY RANGE (global_position);
                    ALTER SEQUENCE events_global_position_seq OWNED BY events.global_position;
                    ALTER TABLE events ATTACH PARTITION events_old FOR VALUES FROM (MINVALUE) TO (21);
                    CREATE TABLE events_next PARTITION OF events FOR VALUES FROM (26) TO (MAXVALUE);
                    INSERT INTO consumer_segments (consumer_name, segment_id, total_segments, checkpoint)
                    VALUES ('shop', 0, 1, 20);
                    """)
            let acceptance = SourceAcceptance(tables)
            try await acceptance.accept(
                acceptance.plan(["shop"], .checkpoints, on: connection), by: "test", channel: nil, on: connection)
            let reader = StatusReader(tables, scopes: [:])
            try await connection.execute(
                script: """
                    CREATE TABLE events_early (LIKE events INCLUDING DEFAULTS);
                    \(insert(5, into: "events_early")) \(insert(5, into: "events"))
                    UPDATE consumer_segments SET checkpoint = 30;
                    """)
            #expect(try await reader.read(on: connection).consumers.first?.problem == nil)
            try await connection.execute(
                script: "ALTER TABLE events ATTACH PARTITION events_early FOR VALUES FROM (21) TO (26)")
            let problem = try #require(try await reader.read(on: connection).consumers.first?.problem)
            #expect(problem.isRefusal && problem.text.contains("events_early"), "\(problem)")
            // One without such events is nothing to mind.
            try await connection.execute(
                script: "ALTER TABLE events DETACH PARTITION events_early; DELETE FROM events_early")
            try await connection.execute(
                script: "ALTER TABLE events ATTACH PARTITION events_early FOR VALUES FROM (21) TO (26)")
            #expect(try await reader.read(on: connection).consumers.first?.problem == nil)
            await connection.close()
        }
    }
}
