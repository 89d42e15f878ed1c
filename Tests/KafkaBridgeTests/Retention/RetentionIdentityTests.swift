import EventSourcing
import Logging
import Postgres
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// Retention where a table has several names, or several schemas of Godwit's tables; and what was removed too early.
@Suite struct RetentionIdentityTests {
    private func pruner(_ tables: TableNames) -> Pruner {
        Pruner(
            tables, options: Pruner.Options(deliveredFor: .seconds(3_600), rate: 1_000_000),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func append(_ count: Int, _ store: TestStore, _ connection: Connection) async throws {
        for number in 0..<count {
            _ = try await connection.withTransaction {
                try await store.store.append([.sample("user-\(number)")], expecting: .any, in: $0)
            }
        }
    }

    private func start(
        _ consumer: String, at checkpoint: Int64, _ tables: TableNames, _ connection: Connection
    ) async throws {
        try await RegistrationsTable.register([(consumer, .beginning)], by: "test", tables, on: connection)
        try await connection.execute(
            script: """
                INSERT INTO \(tables.consumerSegments.sql) (consumer_name, segment_id, total_segments, checkpoint)
                SELECT '\(consumer)', segment, 2, \(checkpoint) FROM generate_series(0, 1) AS segment
                """)
    }

    @discardableResult
    private func prune(_ tables: TableNames, _ connection: Connection) async throws -> Pruner.Report {
        for _ in 0..<2 {
            guard case .looked(let report) = try await pruner(tables).run(on: connection) else {
                throw PostgresError(.misuse, "another session removes rows")
            }
            // What is delivered now counts as delivered long ago.
            try await connection.execute(
                script: "UPDATE \(tables.godwitTable("delivered_positions").sql) SET at = at - interval '2 hours'")
            if report.rows > 0 { return report }
        }
        guard case .looked(let report) = try await pruner(tables).run(on: connection) else {
            throw PostgresError(.misuse, "another session removes rows")
        }
        return report
    }

    private func positions(_ tables: TableNames, _ connection: Connection) async throws -> [Int64] {
        try await connection.query(Statement("SELECT global_position FROM \(tables.events.sql) ORDER BY 1"))
            .map { try $0.decode(0) }
    }

    private func missed(_ tables: TableNames, _ connection: Connection) async throws -> [String: MissedRows] {
        let pruned = try await PruningsTable(tables).read(on: connection)
        return try await MissedRows.read(tables, pruned, on: connection).missed
    }

    @Test func `a consumer that knows the table by an earlier name keeps its rows, in all that it needs`() async throws
    {
        try await TestStore.with { store in
            let connection = try await store.connect()
            try await append(20, store, connection)
            try await start("slow", at: 5, store.tables, connection)
            try await RegistrationsTable.register([("idle", .after(3))], by: "test", store.tables, on: connection)
            try await connection.execute(
                script: """
                    INSERT INTO \(store.tables.godwitSchema).delivery_audits (events_table, consumer_name, began_after, reason,
                        position, log, route) VALUES ('\(store.tables.events.text)', 'slow', 0, '', 2, '', '');
                    ALTER TABLE \(store.tables.events.sql) RENAME TO outbox
                    """)
            var renamed = store.tables
            renamed.events = try TableName("\(store.tables.events.schema).outbox")
            try await start("quick", at: 20, renamed, connection)
            #expect(try await prune(renamed, connection).plan.holder?.holder == .audit("slow"))
            #expect(try await positions(renamed, connection) == Array(3...20))
            try await connection.execute(script: "DELETE FROM \(store.tables.godwitSchema).delivery_audits")
            #expect(try await prune(renamed, connection).plan.holder?.holder == .notStarted("idle"))
            #expect(try await positions(renamed, connection) == Array(4...20))
            let retirement = Retirement(renamed, staleThreshold: .seconds(30))
            _ = try await retirement.carryOut("idle", discardingParked: false, by: "test", on: connection)
            let report = try await prune(renamed, connection)
            #expect(report.plan.holder?.holder == .consumer("slow"))
            #expect(try await positions(renamed, connection) == Array(6...20))
            // What was removed of the table counts under any name.
            try await connection.execute(script: "ALTER TABLE \(renamed.events.sql) RENAME TO again")
            var again = renamed
            again.events = try TableName("\(store.tables.events.schema).again")
            #expect(try await PruningsTable(again).read(on: connection)?.through == 5)
            await connection.close()
        }
    }

    @Test func `rows that consumers of another schema of Godwit's tables read are left alone`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            let other = try TableNames(
                inSchema: store.tables.events.schema, godwitSchema: "\(store.tables.godwitSchema)_b")
            _ = try await Schema(other).migrate(on: connection)
            try await append(20, store, connection)
            try await start("shop", at: 20, store.tables, connection)
            try await RegistrationsTable.register([("billing", .beginning)], by: "test", other, on: connection)
            let report = try await prune(store.tables, connection)
            #expect(report.rows == 0)
            #expect(report.plan.holder?.holder == .elsewhere(.init(other.godwitSchema, ["billing"])))
            #expect(report.record?.heldBy.contains("billing reads the table too") == true)
            #expect(try await positions(store.tables, connection).count == 20)
            // One lock for both.
            let second = try await store.connect()
            try await second.query(RetentionLock(other).tryProcess)
            guard case .elsewhere = try await pruner(store.tables).run(on: connection) else {
                Issue.record("two at a time")
                return
            }
            try await second.query(RetentionLock(other).leaveProcess)
            await second.close()
            let retirement = Retirement(other, staleThreshold: .seconds(30))
            _ = try await retirement.carryOut("billing", discardingParked: false, by: "test", on: connection)
            #expect(try await prune(store.tables, connection).rows == 20)
            // One that was not known there when the rows went finds out at its start.
            try await RegistrationsTable.register([("late", .beginning)], by: "test", other, on: connection)
            try await connection.execute(
                script: """
                    INSERT INTO \(other.consumerSegments.sql) (consumer_name, segment_id, total_segments, checkpoint)
                    VALUES ('late', 0, 1, 5)
                    """)
            #expect(try await missed(other, connection)["late"] == MissedRows(after: 5, through: 20))
            try await connection.execute(script: "DROP SCHEMA \(other.godwitSchema) CASCADE")
            await connection.close()
        }
    }

    @Test func `what was removed before a consumer had it is noticed, and stays so until an operator accepts it`()
        async throws
    {
        try await TestStore.with { store in
            let connection = try await store.connect()
            try await append(20, store, connection)
            try await start("shop", at: 18, store.tables, connection)
            #expect(try await prune(store.tables, connection).rows == 18)
            #expect(try await missed(store.tables, connection).isEmpty)
            // Its registration was lost when the rows went.
            try await start("late", at: 5, store.tables, connection)
            // Told when it began.
            try await start("told", at: 0, store.tables, connection)
            try await connection.query(RegistrationsTable(store.tables).noteBeginning("told"))
            #expect(
                try await missed(store.tables, connection) == ["late": try #require(MissedRows(after: 5, through: 18))])
            let status = try await StatusReader(store.tables, scopes: [:]).read(on: connection)
            #expect(status.consumers.first { $0.name == "late" }?.missed?.positions == 13)
            #expect(status.consumers.first { $0.name == "told" }?.missed == nil)
            // It goes on, and passes them.
            try await connection.query(RegistrationsTable(store.tables).noteMissed(nil, elsewhere: 0))
            try await connection.execute(
                script: "UPDATE \(store.tables.consumerSegments.sql) SET checkpoint = 20 WHERE consumer_name = 'late'")
            #expect(try await missed(store.tables, connection)["late"] == MissedRows(after: 5, through: 18))
            let acceptance = SourceAcceptance(store.tables)
            let plan = try await acceptance.plan(["late"], .checkpoints, on: connection)
            #expect(plan.consumers.first?.missed?.positions == 13)
            try await acceptance.accept(plan, by: "test", channel: nil, on: connection)
            #expect(try await missed(store.tables, connection).isEmpty)
            // Set back by an operator, who was told.
            let back = try await acceptance.plan(["shop"], .after(0), on: connection)
            try await acceptance.accept(back, by: "test", channel: nil, on: connection)
            #expect(try await missed(store.tables, connection).isEmpty)
            await connection.close()
        }
    }

    @Test func `dead letters and exchanges of segments go with the log that they are of`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            let schema = store.tables.godwitSchema
            try await append(6, store, connection)
            try await start("shop", at: 4, store.tables, connection)
            let acceptance = SourceAcceptance(store.tables)
            func letters() async throws -> [Int64] {
                try await connection.query(
                    Statement("SELECT global_position FROM \(schema).dead_letters ORDER BY 1")
                ).map { try $0.decode(0) }
            }
            func exchanges() async throws -> Int64 {
                try await connection.query(Statement("SELECT count(*) FROM \(schema).segment_exchanges")).first?
                    .decode(0) ?? -1
            }
            try await acceptance.accept(
                acceptance.plan(["shop"], .checkpoints, on: connection), by: "test", channel: nil, on: connection)
            try await connection.execute(
                script: """
                    INSERT INTO \(schema).dead_letters (consumer_name, global_position, segment_id, event_id, event_type,
                        bounded_context, aggregate_type, aggregate_id, aggregate_version, state, is_cause, reason, error)
                    SELECT 'shop', global_position, 0, event_id, '', '', '', '', 1,
                        (ARRAY['parked', 'discarded', 'redriven'])[global_position::int], true, 'poison', ''
                    FROM \(store.tables.events.sql) WHERE global_position <= 3;
                    INSERT INTO \(schema).segment_exchanges (events_table, consumer_name, generation, former_checkpoints)
                    VALUES ('\(store.tables.events.text)', 'shop', 1, '{5,6}');
                    ALTER SEQUENCE \(store.tables.events.schema).events_global_position_seq CACHE 1
                    """)
            // Another sequence, by its file, and the same events: all stays.
            try await acceptance.accept(
                acceptance.plan(["shop"], .checkpoints, on: connection), by: "test", channel: nil, on: connection)
            #expect(try await letters() == [1, 2, 3])
            #expect(try await exchanges() == 1)
            try await connection.execute(script: "TRUNCATE \(store.tables.events.sql) RESTART IDENTITY")
            try await append(6, store, connection)
            try await acceptance.accept(
                acceptance.plan(["shop"], nil, on: connection), by: "test", channel: nil, on: connection)
            #expect(try await letters() == [])
            #expect(try await exchanges() == 0)
            await connection.close()
        }
    }

    @Test func `rows that a trigger keeps do not count as removed, and it is named`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            let table = store.tables.events
            try await append(10, store, connection)
            try await start("shop", at: 10, store.tables, connection)
            try await connection.execute(
                script: """
                    CREATE FUNCTION \(table.schema).keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                        IF old.global_position % 2 = 0 THEN RETURN NULL; END IF; RETURN old; END $$;
                    CREATE TRIGGER keep_even BEFORE DELETE ON \(table.sql) FOR EACH ROW EXECUTE FUNCTION \(table.schema).keep()
                    """)
            let error = await #expect(throws: RemovalError.self) { try await prune(store.tables, connection) }
            #expect(error == .kept(table.text, position: 2, by: ["trigger keep_even"]))
            #expect(try await positions(store.tables, connection).count == 10)
            let record = try await PruningsTable(store.tables).read(on: connection)
            #expect(record?.through == 0)
            #expect(record?.heldBy.contains("trigger keep_even keeps them") == true)
            #expect(try await pruner(store.tables).examine(on: connection).guards.triggers == ["trigger keep_even"])
            try await connection.execute(script: "DROP TRIGGER keep_even ON \(table.sql)")
            #expect(try await prune(store.tables, connection).rows == 10)
            #expect(try await PruningsTable(store.tables).read(on: connection)?.heldBy == "")
            await connection.close()
        }
    }

    @Test func `a foreign key that refuses the removal is named with its remedy`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            let table = store.tables.events
            try await append(4, store, connection)
            try await start("shop", at: 4, store.tables, connection)
            try await connection.execute(
                script: """
                    CREATE TABLE \(table.schema).receipts (event bigint CONSTRAINT receipt_event REFERENCES \(table.sql));
                    INSERT INTO \(table.schema).receipts VALUES (3)
                    """)
            let error = await #expect(throws: RemovalError.self) { try await prune(store.tables, connection) }
            #expect(
                "\(try #require(error))".contains(
                    "receipts by the foreign key receipt_event. Let it be ON DELETE CASCADE"))
            #expect(
                try await PruningsTable(store.tables).read(on: connection)?.heldBy.contains("receipt_event") == true)
            try await connection.execute(
                script: """
                    ALTER TABLE \(table.schema).receipts DROP CONSTRAINT receipt_event;
                    CREATE FUNCTION \(table.schema).refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                        RAISE EXCEPTION 'never'; END $$;
                    CREATE TRIGGER refusing BEFORE DELETE ON \(table.sql) FOR EACH ROW EXECUTE FUNCTION \(table.schema).refuse()
                    """)
            let refusal = await #expect(throws: RemovalError.self) { try await prune(store.tables, connection) }
            #expect("\(try #require(refusal))".contains("trigger refusing refuses it (never"))
            await connection.close()
        }
    }

    @Test func `consumers whose checkpoints are of before a change are named, with what to do`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            try await append(4, store, connection)
            try await start("shop", at: 4, store.tables, connection)
            try await connection.execute(
                script: """
                    INSERT INTO \(store.tables.godwitSchema).checkpoint_identities (events_table, consumer_name, system_id, timeline,
                        table_oid, sequence_oid, sequence_file, partitions)
                    VALUES ('\(store.tables.events.text)', 'shop', 'x', '00000001', 1, 1, 1, '{}')
                    """)
            let error = await #expect(throws: SourceError.self) { try await prune(store.tables, connection) }
            #expect("\(try #require(error))".contains("`godwit retire shop`"))
            #expect(try await PruningsTable(store.tables).read(on: connection)?.heldBy.contains("godwit run") == true)
            await connection.close()
        }
    }
}
