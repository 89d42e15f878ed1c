import EventSourcing
import FoundationEssentials
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Consumers

/// What a look finds out on a real server.
@Suite struct HorizonQueryTests {
    // MARK: Identity

    @Test func `before the first event nothing is drawn, and the reader is no writer`() async throws {
        try await HorizonFixture.with { fixture in
            let query = try await fixture.query()
            for drawn in Int64(0)...1 {
                let snapshot = try await fixture.refresh(query)
                #expect(snapshot.lastDrawn == drawn && snapshot.horizon?.lastDrawn == drawn)
                #expect(snapshot.horizon?.writers == [])
                try await fixture.change(fixture.insert())
            }
        }
    }

    @Test func `what keeps the positions keeps the identity`() async throws {
        try await HorizonFixture.with { fixture in
            try await fixture.change("\(fixture.insert()) FROM generate_series(1, 10)")
            let query = try await fixture.query()
            let identity = try await fixture.identity(query)
            #expect(identity.system != "" && identity.timeline.count == 8 && identity.partitions.isEmpty)
            for change in [
                "VACUUM FULL $events", "TRUNCATE $events", "REINDEX TABLE $events", "ANALYZE $events",
                "ALTER TABLE $events ADD COLUMN more text", "SELECT setval('$sequence', 100)",
                "DELETE FROM $events", "CREATE INDEX ON $events (created_at)",
            ] {
                try await fixture.change(change)
                #expect(try await fixture.identity(query) == identity, "\(change)")
                #expect(try await fixture.identity(fixture.query()) == identity, "\(change)")
            }
        }
    }

    @Test(
        arguments: [
            "TRUNCATE $events RESTART IDENTITY", "ALTER SEQUENCE $sequence RESTART",
            "ALTER SEQUENCE $sequence RESTART WITH 5",
            "ALTER SEQUENCE $sequence CACHE 20; ALTER SEQUENCE $sequence CACHE 1",
        ])
    func `what may give positions out again has another file of the sequence`(change: String) async throws {
        try await HorizonFixture.with { fixture in
            try await fixture.change("\(fixture.insert()) FROM generate_series(1, 10)")
            let query = try await fixture.query()
            let identity = try await fixture.identity(query)
            try await fixture.change(change)
            let changed = try await fixture.identity(query)
            #expect(changed.sequenceFile != identity.sequenceFile)
            #expect(changed.sequence == identity.sequence && changed.table == identity.table)
        }
    }

    @Test func `an identity column draws from a sequence of its own`() async throws {
        try await HorizonFixture.with { fixture in
            try await fixture.change(
                """
                ALTER TABLE $events ALTER COLUMN global_position DROP DEFAULT; DROP SEQUENCE $sequence;
                ALTER TABLE $events ALTER COLUMN global_position ADD GENERATED ALWAYS AS IDENTITY; \(fixture.insert())
                """)
            let query = try await fixture.query()
            let identity = try await fixture.identity(query)
            #expect(identity.sequence != 0)
            #expect(try await fixture.refresh(query).lastDrawn == 1)
        }
    }

    @Test func `a partitioned table in the table's place shows as another table, and its partitions are listed`()
        async throws
    {
        try await HorizonFixture.with { fixture in
            let query = try await fixture.query()
            let identity = try await fixture.identity(query)
            let (schema, name) = (fixture.test.tables.events.schema, fixture.test.tables.events.name)
            try await fixture.change(
                """
                CREATE TABLE "\(schema)".parted (LIKE $events INCLUDING DEFAULTS) PARTITION BY RANGE (global_position);
                CREATE TABLE "\(schema)".first PARTITION OF "\(schema)".parted FOR VALUES FROM (1) TO (100);
                ALTER TABLE $events RENAME TO old; ALTER TABLE "\(schema)".parted RENAME TO "\(name)"
                """)
            let swapped = try await fixture.identity(query)
            #expect(swapped.table != identity.table && swapped.sequenceFile == identity.sequenceFile)
            #expect(swapped.partitions.count == 1)
            #expect(try await fixture.identity(fixture.query()) == swapped)
            try await fixture.change(
                "CREATE TABLE \"\(schema)\".second PARTITION OF $events FOR VALUES FROM (100) TO (200)")
            let grown = try await fixture.identity(query)
            #expect(grown.partitions.count == 2 && Set(grown.partitions).isSuperset(of: swapped.partitions))
        }
    }

    // MARK: Writers

    @Test func `sessions that may hold positions are listed, and no others`() async throws {
        try await HorizonFixture.with { fixture in
            let query = try await fixture.query()
            let none = "SELECT count(*) FROM $events"
            let cases: [(sql: String, isWriter: Bool)] = [
                ("SELECT nextval('$sequence')", true), (fixture.insert(), true),
                ("SAVEPOINT s; \(fixture.insert()); ROLLBACK TO SAVEPOINT s", true),
                ("SELECT nextval('$sequence'), currval('$sequence')", true), (none, false),
                ("UPDATE $events SET event_type = 'x'", false), ("DELETE FROM $events", false),
            ]
            for (sql, isWriter) in cases {
                try await fixture.change("BEGIN; \(sql)")
                let writers = try await fixture.refresh(query).horizon?.writers ?? []
                #expect(writers.count == (isWriter ? 1 : 0), "\(sql)")
                #expect(!writers.contains { $0.isPrepared })
                try await fixture.change("ROLLBACK")
                #expect(try await fixture.refresh(query).horizon?.writers == [], "\(sql)")
            }
        }
    }

    @Test func `a prepared transaction is listed until it ends`() async throws {
        try await HorizonFixture.with { fixture in
            let query = try await fixture.query()
            let name = "\(fixture.test.tables.godwitSchema)-prepared"
            try await fixture.change("BEGIN; \(fixture.insert()); PREPARE TRANSACTION '\(name)'")
            #expect(try await fixture.refresh(query).horizon?.writers.map(\.isPrepared) == [true])
            try await fixture.change("COMMIT PREPARED '\(name)'")
            #expect(try await fixture.refresh(query).horizon?.writers == [])
        }
    }

    // MARK: Refusals

    @Test func `a sequence that gives positions out of turn is refused`() async throws {
        try await HorizonFixture.with { fixture in
            let sequence = try await fixture.query().sequence
            #expect(
                try await fixture.refusals(after: "ALTER SEQUENCE $sequence CACHE 20")
                    == Array(repeating: .cachedSequence(sequence, cache: 20), count: 2))
            try await fixture.change("ALTER SEQUENCE $sequence CACHE 1")
            for change in ["INCREMENT 2", "INCREMENT 1 CYCLE"] {
                #expect(
                    try await fixture.refusals(after: "ALTER SEQUENCE $sequence \(change)")
                        == Array(repeating: .unusualSequence(sequence), count: 2), "\(change)")
                try await fixture.change("ALTER SEQUENCE $sequence INCREMENT 1 NO CYCLE")
            }
        }
    }

    @Test func `a table that a crash empties is refused`() async throws {
        try await HorizonFixture.with { fixture in
            let errors = try await fixture.refusals(after: "ALTER TABLE $events SET UNLOGGED")
            #expect(errors == Array(repeating: .unlogged(fixture.test.tables.events), count: 2))
        }
    }

    @Test func `a default that draws from elsewhere, or not at all, is refused`() async throws {
        try await HorizonFixture.with { fixture in
            let sequence = try await fixture.query().sequence
            let (schema, events) = (fixture.test.tables.events.schema, fixture.test.tables.events)
            let other = "\"\(schema)\".other"
            let identity = try await fixture.identity(fixture.query())
            let errors = try await fixture.refusals(
                after: """
                    CREATE SEQUENCE \(other);
                    ALTER TABLE $events ALTER COLUMN global_position SET DEFAULT nextval('\(other)')
                    """)
            #expect(errors == [.otherDefault(events, sequence: sequence), nil])
            // A new query finds the other sequence, which is not the recorded one.
            #expect(try await fixture.identity(fixture.query()).sequence != identity.sequence)
            try await fixture.change(
                "ALTER TABLE $events ALTER COLUMN global_position SET DEFAULT nextval('$sequence')")
            #expect(
                try await fixture.refusals(after: "ALTER TABLE $events ALTER COLUMN global_position DROP DEFAULT")
                    == [.otherDefault(events, sequence: sequence), .missingSequence(events)])
        }
    }

    @Test func `a table or a sequence that is gone is refused`() async throws {
        try await HorizonFixture.with { fixture in
            let sequence = try await fixture.query().sequence
            let query = try await fixture.query()
            try await fixture.change("ALTER SEQUENCE $sequence RENAME TO renamed")
            await #expect(throws: SourceError.self) { try await fixture.identity(query) }
            try await fixture.change(
                "ALTER SEQUENCE \"\(fixture.test.tables.events.schema)\".renamed RENAME TO events_global_position_seq")
            #expect(try await fixture.query().sequence == sequence)
            try await fixture.change("ALTER TABLE $events RENAME TO away")
            await #expect(throws: SourceError.missingTable(fixture.test.tables.events)) { try await fixture.query() }
        }
    }

    @Test func `a role that may not read the sequence is refused, and so is one from which rows are hidden`()
        async throws
    {
        try await HorizonFixture.with { fixture in
            let sequence = try await fixture.query().sequence
            let (schema, role) = (fixture.test.tables.events.schema, TestDatabase.uniqueName("role"))
            try await fixture.change(
                """
                CREATE ROLE \(role); GRANT USAGE ON SCHEMA "\(schema)" TO \(role); GRANT SELECT ON $events TO \(role);
                GRANT EXECUTE ON FUNCTION pg_control_system() TO \(role)
                """)
            try await fixture.reading.execute(script: "SET ROLE \(role)")
            let query = try await fixture.query()
            await #expect(throws: SourceError.sequenceRights(sequence)) { try await fixture.identity(query) }
            try await fixture.change("GRANT USAGE ON SEQUENCE $sequence TO \(role)")
            await #expect(throws: SourceError.sequenceRights(sequence)) { try await fixture.identity(query) }
            try await fixture.change("GRANT SELECT ON SEQUENCE $sequence TO \(role)")
            _ = try await fixture.identity(query)
            try await fixture.change("ALTER TABLE $events ENABLE ROW LEVEL SECURITY")
            await #expect(throws: SourceError.hiddenRows(fixture.test.tables.events)) {
                try await fixture.identity(query)
            }
            try await fixture.change(
                """
                ALTER TABLE $events DISABLE ROW LEVEL SECURITY; DROP OWNED BY \(role);
                """)
            await fixture.reading.close()
            try await fixture.change("DROP ROLE \(role)")
        }
    }

    @Test func `a standby is refused, and waited for`() async throws {
        let cluster = try await LocalPostgres.start()
        do {
            let primary = try await Connection.open(ConnectionConfiguration(cluster.url))
            _ = try await Schema().migrate(on: primary)
            _ = try await HorizonQuery(TableNames().source, on: primary)
            await primary.close()
            try await cluster.stopServer()
            #expect(FileManager.default.createFile(atPath: cluster.folder + "/data/standby.signal", contents: nil))
            try await cluster.startServer()
            let standby = try await Connection.open(ConnectionConfiguration(cluster.url))
            await #expect(throws: SourceError.standby) { try await HorizonQuery(TableNames().source, on: standby) }
            await standby.close()
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    // MARK: A running worker

    @Test func `a position that the sequence has not drawn stops the source, and shows`() async throws {
        try await HorizonFixture.with { fixture in
            let consumer = RecordingConsumer()
            let source = try fixture.test.source()
            try await fixture.test.running(fixture.test.worker(consumer, source), source) {
                try await fixture.change(fixture.insert())
                try await consumer.wait(for: 1)
                try await fixture.change(fixture.insert("global_position,", "1000,"))
                try await eventually("nothing is refused") { source.reader.problem?.isRefusal == true }
                #expect(source.reader.problem?.text.contains("position 1000") == true)
                #expect(consumer.all.map(\.globalPosition) == [1])
            }
        }
    }
}
