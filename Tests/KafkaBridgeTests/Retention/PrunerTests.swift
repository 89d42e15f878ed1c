import Consumers
import EventSourcing
import Logging
import Postgres
import TestSupport
import Testing

@testable import KafkaBridge

/// Removing delivered rows from a real table.
@Suite struct PrunerTests {
    private func pruner(_ store: TestStore, batch: Int = 1_000, rate: Int = 1_000_000) -> Pruner {
        var options = Pruner.Options(deliveredFor: .seconds(3_600), rate: rate)
        options.batch = batch
        return Pruner(store.tables, options: options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func append(_ count: Int, _ store: TestStore, _ connection: Connection) async throws {
        for number in 0..<count {
            _ = try await connection.withTransaction {
                try await store.store.append([.sample("user-\(number)")], expecting: .any, in: $0)
            }
        }
    }

    private func start(
        _ consumer: String, at checkpoint: Int64, _ store: TestStore, _ connection: Connection
    ) async throws {
        try await RegistrationsTable.register([(consumer, .beginning)], by: "test", store.tables, on: connection)
        try await connection.execute(
            script: """
                INSERT INTO \(store.tables.consumerSegments.sql) (consumer_name, segment_id, total_segments, checkpoint)
                SELECT '\(consumer)', segment, 2, \(checkpoint) FROM generate_series(0, 1) AS segment
                """)
    }

    /// Has what is delivered now count as delivered long ago.
    private func age(_ store: TestStore, _ connection: Connection) async throws {
        _ = try await look(store, connection)
        try await connection.execute(
            script: "UPDATE \(store.tables.godwitTable("delivered_positions").sql) SET at = at - interval '2 hours'")
    }

    private func look(_ store: TestStore, _ connection: Connection) async throws -> Pruner.Report {
        guard case .looked(let report) = try await pruner(store).run(on: connection) else {
            throw PostgresError(.misuse, "another session removes rows")
        }
        return report
    }

    private func positions(_ store: TestStore, _ connection: Connection) async throws -> [Int64] {
        try await connection.query(
            Statement("SELECT global_position FROM \(store.tables.events.sql) ORDER BY 1")
        ).map { try $0.decode(0) }
    }

    @Test func `rows go once they have been delivered for long enough, and what went is recorded`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            try await append(20, store, connection)
            try await start("shop", at: 12, store, connection)
            var report = try await look(store, connection)
            #expect(report.rows == 0)
            #expect(report.hold == nil)
            #expect(report.delivered == 12)
            try await age(store, connection)
            let before = try await pruner(store).examine(on: connection)
            #expect(before.rows == 12)
            #expect(try await positions(store, connection).count == 20)
            // Written to much later, by its own account: nobody asks.
            try await connection.execute(
                script: "UPDATE \(store.tables.events.sql) SET created_at = 'infinity' WHERE global_position = 3")
            report = try await look(store, connection)
            #expect(report.rows == 12)
            #expect(report.record?.through == 12)
            #expect(report.record?.rows == 12)
            // It has stood there for longer than rows are kept, and there are more.
            #expect(report.hold?.holder == .consumer("shop"))
            #expect(report.record?.heldBy == "consumer shop is at position 12")
            #expect(report.record?.prunedAt != nil)
            #expect(try await positions(store, connection) == Array(13...20))
            await connection.close()
        }
    }

    @Test func `small batches remove the same, and what is parked stays`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            try await append(25, store, connection)
            try await start("shop", at: 25, store, connection)
            try await age(store, connection)
            try await connection.execute(
                script: """
                    INSERT INTO \(store.tables.godwitTable("dead_letters").sql) (consumer_name, global_position, segment_id,
                        event_id, event_type, bounded_context, aggregate_type, aggregate_id, aggregate_version, state, is_cause,
                        reason, error)
                    SELECT 'shop', position, 0, gen_random_uuid(), '', '', '', '', 1, state, true, 'poison', ''
                    FROM (VALUES (4, 'parked'), (9, 'redriven'), (17, 'redriving'), (18, 'discarded')) AS rows (position, state)
                    """)
            guard case .looked(let report) = try await pruner(store, batch: 3).run(on: connection) else {
                Issue.record("another session removes rows")
                return
            }
            #expect(report.rows == 23)
            #expect(report.hold == nil)
            #expect(report.plan.kept == [4, 17])
            #expect(try await positions(store, connection) == [4, 17])
            // Decided, they go with the next pass.
            try await connection.execute(
                script: "UPDATE \(store.tables.godwitTable("dead_letters").sql) SET state = 'discarded'")
            #expect(try await look(store, connection).rows == 2)
            // Nothing is kept any more: the next pass begins where this one ended.
            let beginning = try await connection.query(PruningsTable(store.tables).beginning).first
            #expect(try beginning?.decode(0, as: Int64.self) == 25)
            await connection.close()
        }
    }

    @Test func `one that is registered between two batches keeps all that is left`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            let other = try await store.connect()
            try await append(20, store, connection)
            try await start("shop", at: 20, store, connection)
            try await age(store, connection)
            let tables = store.tables
            let registered = WakeSignal()
            let registering = Task {
                _ = await registered.wait(atMost: .seconds(20))
                try await RegistrationsTable.register([("late", .beginning)], by: "test", tables, on: other)
            }
            // Slow enough for the other to come in between.
            guard
                case .looked(let report) = try await pruner(store, batch: 5, rate: 10).run(
                    on: connection, observe: { _ in registered.wake() })
            else { return }
            try await registering.value
            #expect(report.plan.holder?.holder == .notStarted("late"))
            let left = try await positions(store, connection)
            #expect(left.count == 20 - Int(report.rows))
            #expect(report.rows < 20)
            #expect(report.rows >= 1)
            await other.close()
            await connection.close()
        }
    }

    @Test func `rows that are being read are left alone, and their reader is named`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            let reader = try await store.connect()
            try await append(5, store, connection)
            try await start("shop", at: 5, store, connection)
            try await age(store, connection)
            try await reader.query(RetentionLock(store.tables).shareForSession)
            let report = try await look(store, connection)
            #expect(report.rows == 0)
            #expect(report.readers.count == 1)
            await reader.close()
            try await eventually("the rows go") { try await look(store, connection).rows == 5 }
            await connection.close()
        }
    }

    @Test func `one process at a time removes rows`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            let other = try await store.connect()
            try await other.query(RetentionLock(store.tables).tryProcess)
            let outcome = try await pruner(store).run(on: connection)
            guard case .elsewhere = outcome else {
                Issue.record("two at a time")
                return
            }
            await other.close()
            await connection.close()
        }
    }

    @Test func `old rows of Godwit's own tables go, but not what is still asked about`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            try await append(3, store, connection)
            try await start("shop", at: 2, store, connection)
            let schema = store.tables.godwitSchema
            try await connection.execute(
                script: """
                    INSERT INTO \(schema).dead_letters (consumer_name, global_position, segment_id, event_id, event_type,
                        bounded_context, aggregate_type, aggregate_id, aggregate_version, state, is_cause, reason, error, last_at)
                    SELECT 'shop', position, 0, gen_random_uuid(), '', '', '', '', 1, state, true, 'poison', '',
                        now() - make_interval(days => days)
                    FROM (VALUES (1, 'redriven', 9), (2, 'discarded', 9), (3, 'redriven', 9), (100, 'parked', 9),
                        (0, 'redriven', 1), (-1, 'discarded', 9)) AS rows (position, state, days);
                    INSERT INTO \(schema).audit (at, actor, action, subject)
                    VALUES (now() - interval '9 days', 'a', 'pause', 'old'), (now(), 'a', 'pause', 'new');
                    INSERT INTO \(schema).jobs (name, consumer, bounded_contexts, aggregate_types, aggregate_ids, event_types,
                        is_listed, after_position, through_position, checkpoint, state, finished_at)
                    SELECT name, 'shop', '{}', '{}', '{}', '{}', false, 0, 3, 3, state, now() - interval '9 days'
                    FROM (VALUES ('old', 'done'), ('open', 'stopped')) AS rows (name, state);
                    INSERT INTO \(schema).transactional_segments (events_table, consumer_name, segment_id, epoch)
                    VALUES ('e', 'republish old', 0, 1), ('e', 'republish open', 0, 1);
                    """)
            // Of another source that has the same tables of Godwit's.
            try await connection.execute(
                script: """
                    INSERT INTO \(schema).registered_consumers (events_table, consumer_name, registered_by)
                    VALUES ('another.events', 'other', 'test');
                    INSERT INTO \(schema).dead_letters (consumer_name, global_position, segment_id, event_id, event_type,
                        bounded_context, aggregate_type, aggregate_id, aggregate_version, state, is_cause, reason, error, last_at)
                    SELECT 'other', position, 0, gen_random_uuid(), '', '', '', '', 1, state, true, 'poison', '',
                        now() - interval '9 days'
                    FROM (VALUES (-3, 'discarded'), (7, 'parked')) AS rows (position, state);
                    INSERT INTO \(schema).jobs (name, consumer, bounded_contexts, aggregate_types, aggregate_ids, event_types,
                        is_listed, after_position, through_position, checkpoint, state, finished_at, events_table)
                    SELECT name, 'other', '{}', '{}', '{}', '{}', false, 0, 3, 3, state, now() - interval '9 days',
                        'another.events'
                    FROM (VALUES ('theirs', 'done'), ('their open one', 'stopped')) AS rows (name, state);
                    """)
            let facts = try await RetentionFacts.read(store.tables, on: connection)
            #expect(facts.parked == [100] && facts.jobs.map(\.name) == ["open"])
            let ages = Housekeeping.Ages(
                deadLetters: .seconds(5 * 86_400), auditLog: .seconds(5 * 86_400), jobs: .seconds(5 * 86_400))
            let removed = try await Housekeeping(store.tables, ages: ages).run(on: connection)
            // Of those given up the one whose event is gone; of those delivered the one that a checkpoint has passed.
            let letters: [Int64] = try await connection.query(
                Statement("SELECT global_position FROM \(schema).dead_letters ORDER BY 1")
            ).map { try $0.decode(0) }
            #expect(letters == [-3, 0, 2, 3, 7, 100])
            #expect(removed.deadLetters == 2)
            #expect(removed.auditEntries == 1)
            #expect(removed.jobs == 1)
            let owners: [String] = try await connection.query(
                Statement("SELECT consumer_name FROM \(schema).transactional_segments")
            ).map { try $0.decode(0) }
            #expect(owners == ["republish open"])
            await connection.close()
        }
    }
}
