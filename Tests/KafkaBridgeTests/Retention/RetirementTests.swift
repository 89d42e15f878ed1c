import Consumers
import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import KafkaBridge

/// Forgetting a consumer for good.
@Suite struct RetirementTests {
    private func fill(_ consumer: String, _ store: TestStore, _ connection: Connection) async throws {
        let schema = store.tables.godwitSchema
        let events = store.tables.events.text
        try await RegistrationsTable.register([(consumer, .beginning)], by: "test", store.tables, on: connection)
        try await connection.execute(
            script: """
                INSERT INTO \(store.tables.consumerSegments.sql) (consumer_name, segment_id, total_segments, checkpoint)
                SELECT '\(consumer)', segment, 2, 10 + segment FROM generate_series(0, 1) AS segment;
                INSERT INTO \(schema).consumer_controls (events_table, consumer_name, is_paused, changed_by)
                VALUES ('\(events)', '\(consumer)', true, 'a');
                INSERT INTO \(schema).checkpoint_scopes (events_table, consumer_name, segment_id, after_position,
                    bounded_contexts, aggregate_types) VALUES ('\(events)', '\(consumer)', 0, 0, '{}', '{}');
                INSERT INTO \(schema).transactional_segments (events_table, consumer_name, segment_id, epoch)
                VALUES ('\(events)', '\(consumer)', 0, 1);
                INSERT INTO \(schema).delivery_audits (events_table, consumer_name, began_after, reason, position)
                VALUES ('\(events)', '\(consumer)', 0, 'first', 5);
                INSERT INTO \(schema).dead_letters (consumer_name, global_position, segment_id, event_id, event_type,
                    bounded_context, aggregate_type, aggregate_id, aggregate_version, state, is_cause, reason, error)
                SELECT '\(consumer)', position, 0, gen_random_uuid(), '', '', '', '', 1, state, true, 'poison', ''
                FROM (VALUES (4, 'parked'), (9, 'redriven')) AS rows (position, state);
                """)
    }

    /// How many rows name the consumer, in all tables but the audit log.
    private func rows(_ consumer: String, _ store: TestStore, _ connection: Connection) async throws -> Int64 {
        let tables = try await connection.query(
            Statement(
                """
                SELECT table_name::text FROM information_schema.columns
                WHERE table_schema = $1 AND column_name = 'consumer_name' GROUP BY 1
                """), store.tables.godwitSchema)
        var count: Int64 = 0
        for row in tables {
            let name: String = try row.decode(0)
            count +=
                try await connection.query(
                    Statement("SELECT count(*) FROM \(store.tables.godwitSchema).\(name) WHERE consumer_name = $1"),
                    consumer
                ).first?.decode(0, as: Int64.self) ?? 0
        }
        return count
    }

    @Test func `everything of a consumer goes in one transaction, and nothing of another`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            try await fill("old", store, connection)
            try await fill("kept", store, connection)
            let before = try await rows("kept", store, connection)
            let retirement = Retirement(store.tables)
            let plan = try await retirement.plan("old", on: connection)
            #expect(plan.checkpoints == [0: 10, 1: 11])
            #expect(plan.openLetters == 1)
            #expect(plan.decidedLetters == 1)
            #expect(plan.hasAudit)
            #expect(plan.isRegistered)
            #expect(plan.transactionalSegments == 1)
            #expect(plan.otherRows == 2)
            await #expect(throws: RetirementError.parked("old", count: 1)) {
                try await retirement.carryOut("old", discardingParked: false, by: "me", on: connection)
            }
            #expect(try await rows("old", store, connection) > 0)
            try await retirement.carryOut("old", discardingParked: true, by: "me", on: connection)
            #expect(try await rows("old", store, connection) == 0)
            #expect(try await rows("kept", store, connection) == before)
            let entry = try await connection.query(AuditLog(store.tables).newest(1)).first
            #expect(try entry?.decode(0, as: String.self) == "me")
            #expect(try entry?.decode(1, as: String.self) == "retire")
            #expect(try entry?.decode(3, as: String.self).contains("1 parked events discarded") == true)
            await #expect(throws: RetirementError.unknown("old")) {
                try await retirement.carryOut("old", discardingParked: true, by: "me", on: connection)
            }
            await connection.close()
        }
    }

    @Test func `one that is served, or whose events a job publishes, is not retired`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            try await fill("shop", store, connection)
            let schema = store.tables.godwitSchema
            try await connection.execute(
                script: """
                    INSERT INTO \(store.tables.consumerWorkers.sql) (consumer_name, worker_id, last_heartbeat)
                    VALUES ('shop', 'worker-1', now());
                    INSERT INTO \(schema).jobs (name, consumer, bounded_contexts, aggregate_types, aggregate_ids, event_types,
                        is_listed, after_position, through_position, checkpoint, state)
                    VALUES ('again', 'shop', '{}', '{}', '{}', '{}', false, 0, 3, 1, 'stopped');
                    """)
            let retirement = Retirement(store.tables)
            await #expect(throws: RetirementError.served("shop", workers: ["worker-1"])) {
                try await retirement.carryOut("shop", discardingParked: true, by: "me", on: connection)
            }
            // It was killed long ago.
            try await connection.execute(
                script: "UPDATE \(store.tables.consumerWorkers.sql) SET last_heartbeat = now() - interval '1 hour'")
            await #expect(throws: RetirementError.jobs("shop", names: ["again"])) {
                try await retirement.carryOut("shop", discardingParked: true, by: "me", on: connection)
            }
            try await connection.execute(script: "UPDATE \(schema).jobs SET state = 'cancelled'")
            try await retirement.carryOut("shop", discardingParked: true, by: "me", on: connection)
            #expect(try await rows("shop", store, connection) == 0)
            await connection.close()
        }
    }
}
