import EventSourcing
import FoundationEssentials
import Glibc
import Postgres
import TestSupport
import Testing

@testable import Appliance

@Suite struct GrantsTests {
    /// Two roles made for one test, with the grants of `godwit migrate` and nothing else.
    private struct Roles {
        let place: RelayFixture
        let relay = TestDatabase.uniqueName("relay")
        let writer = TestDatabase.uniqueName("writer")

        static func with(
            more: [String: String] = [:], _ body: (Roles) async throws -> Void
        ) async throws {
            try await RelayFixture.with { place in
                let roles = Roles(place: place)
                let superuser = try await place.test.connect()
                try await superuser.execute(
                    script: "CREATE ROLE \(roles.relay) LOGIN; CREATE ROLE \(roles.writer) LOGIN")
                do {
                    let granted = try await Command.godwit(
                        "migrate", "--grants", roles.relay, "--writer", roles.writer,
                        environment: place.variables.merging(more) { $1 }
                    ).run()
                    try #require(granted.exitCode == 0, "\(granted.standardError)")
                    try await body(roles)
                    try await roles.drop(superuser)
                } catch {
                    try await roles.drop(superuser)
                    throw error
                }
            }
        }

        private func drop(_ superuser: Connection) async throws {
            for role in [relay, writer] {
                try await superuser.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role)
                try await superuser.execute(script: "DROP OWNED BY \(role); DROP ROLE \(role)")
            }
            await superuser.close()
        }

        func url(_ role: String) -> String {
            place.test.url + (place.test.url.contains("?") ? "&" : "?") + "user=\(role)"
        }

        func connect(_ role: String) async throws -> Connection {
            try await Connection.open(ConnectionConfiguration(url(role)))
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["never", "adaptive"])
    func `the granted roles append and relay, to the end`(_ mode: String) async throws {
        try await Roles.with { roles in
            let relay = try roles.place.run([
                "GODWIT_DATABASE_URL": roles.url(roles.relay), "GODWIT_NOTIFY_MODE": mode,
                "GODWIT_NOTIFY_CHANNEL": roles.place.test.tables.godwitSchema,
                "GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park", "GODWIT_KAFKA_MAX_RECORD_BYTES": "20000",
            ])
            let writer = try await roles.connect(roles.writer)
            var ids: Set<String> = []
            let store = EventStore(
                tables: roles.place.test.tables, notify: .adaptive(channel: roles.place.test.tables.godwitSchema))
            for number in 0..<20 {
                let event = Event.sample("user-\(number)")
                ids.insert(event.eventID.uuidString.lowercased())
                _ = try await writer.withTransaction { try await store.append([event], expecting: .any, in: $0) }
            }
            let large = Event.sample("large", payload: String(repeating: "x", count: 30_000))
            _ = try await writer.withTransaction { try await store.append([large], expecting: .any, in: $0) }
            _ = try await roles.place.receive(ids)
            let superuser = try await roles.place.test.connect()
            let letters = roles.place.test.tables.godwitTable("dead_letters").sql
            try await eventually("the large event is parked") {
                try await superuser.query(Statement("SELECT FROM \(letters)")).first != nil
            }
            for order in [
                ["pause", "identity"], ["resume", "identity"], ["parked", "list"], ["rate", "identity", "1000"],
                ["parked", "redrive", "--consumer", "identity", "--all"],
                ["parked", "discard", "--consumer", "identity", "--all"], ["status"], ["republish", "--list"],
            ] {
                try await eventually("the redrive never ends") {
                    try await superuser.query(
                        Statement("SELECT FROM \(letters) WHERE redrive_requested OR state = 'redriving'")
                    ).first == nil
                }
                var command = Command.godwit(
                    environment: roles.place.variables.merging(["GODWIT_DATABASE_URL": roles.url(roles.relay)]) { $1 })
                command.arguments = order
                let ordered = try await command.run()
                // 4 is what `status` says of a parked event.
                #expect(
                    [0, 4].contains(ordered.exitCode), "\(order): \(ordered.standardError)\(ordered.standardOutput)")
            }
            await superuser.close()
            await writer.close()
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0)
            #expect(!result.standardError.contains("permission denied"), "\(result.standardError)")
        }
    }

    @Test func `what is not needed is refused`() async throws {
        try await Roles.with { roles in
            let tables = roles.place.test.tables
            let events = tables.events.sql
            let segments = tables.consumerSegments.sql
            let insertion = """
                INSERT INTO \(events) (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id,
                    event_type, payload) VALUES ('a', 'b', 'c', 1, gen_random_uuid(), 'd', '')
                """
            let forbidden: [(role: String, statements: [String])] = [
                (
                    roles.relay,
                    [
                        insertion, "UPDATE \(events) SET payload = ''", "DELETE FROM \(events)",
                        "TRUNCATE \(events)", "DROP TABLE \(events)", "ALTER TABLE \(events) ADD COLUMN x int",
                        "SELECT nextval(pg_get_serial_sequence('\(events)', 'global_position'))",
                        "SELECT * FROM \(tables.aggregateHeads.sql)", "DELETE FROM \(segments)",
                        "UPDATE \(segments) SET total_segments = 1",
                        "DELETE FROM \(tables.godwitTable("audit").sql)",
                        "UPDATE \(tables.godwitTable("audit").sql) SET actor = ''",
                        "DELETE FROM \(tables.godwitTable("dead_letters").sql)",
                        "INSERT INTO \(tables.godwitTable("schema_migrations").sql) VALUES ('x', 1, 'y')",
                        "CREATE TABLE \(quoteIdentifier(tables.godwitSchema)).own (id int)",
                    ]
                ),
                (
                    roles.writer,
                    [
                        "UPDATE \(events) SET payload = ''", "DELETE FROM \(events)", "DROP TABLE \(events)",
                        "DELETE FROM \(tables.aggregateHeads.sql)", "SELECT * FROM \(segments)",
                        "SELECT * FROM \(tables.godwitTable("audit").sql)",
                        "INSERT INTO \(tables.godwitTable("notify_requests").sql) VALUES ('a', 'b', now())",
                    ]
                ),
            ]
            for (role, statements) in forbidden {
                let connection = try await roles.connect(role)
                for statement in statements {
                    let error = await #expect(throws: PostgresError.self, "\(statement)") {
                        try await connection.execute(script: statement)
                    }
                    #expect(error?.sqlState == .insufficientPrivilege, "\(statement): \(error?.description ?? "")")
                }
                await connection.close()
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a relay's role removes what is delivered where the configuration asks for it, and only there`() async throws {
        let outbox = [
            "GODWIT_SOURCE_KIND": "outbox", "GODWIT_SOURCE_RETENTION_DELIVERED_FOR": "1s",
            "GODWIT_SOURCE_RETENTION_INTERVAL": "200ms",
        ]
        try await Roles.with(more: outbox) { roles in
            let own = outbox.merging(["GODWIT_DATABASE_URL": roles.url(roles.relay)]) { $1 }
            let relay = try roles.place.run(own)
            _ = try await roles.place.receive(try await roles.place.append(20))
            let connection = try await roles.place.test.connect()
            try await eventually("the rows are removed") {
                try await connection.query(
                    Statement("SELECT count(*) FROM \(roles.place.test.tables.events.sql)")
                ).first?.decode(0, as: Int.self) == 0
            }
            await connection.close()
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
            #expect(try await roles.place.command("prune", "--own-tables", more: own).exitCode == 0)
            // Forgetting a consumer is the owner's.
            let retired = try await roles.place.command("retire", "identity", more: own)
            #expect(retired.exitCode == 13, "\(retired)")
        }
        try await Roles.with { roles in
            _ = try await roles.place.append(3)
            let own = outbox.merging(["GODWIT_DATABASE_URL": roles.url(roles.relay)]) { $1 }
            #expect(try await roles.place.command("catch-up", "identity", more: own).exitCode == 0)
            let doctor = try await roles.place.command("doctor", more: own)
            #expect(doctor.standardOutput.contains("DELETE on"), "\(doctor)")
        }
    }

    @Test func `every table of the schema has its rights told`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let rows = try await connection.query(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = to_regnamespace($1)",
                quoteIdentifier(test.tables.godwitSchema))
            await connection.close()
            var names: Set<String> = []
            for row in rows { names.insert(try row.decode(0)) }
            #expect(names == Set(TableRights.all(test.tables).map(\.table.name)))
        }
    }

    @Test func `grants are printed, a role that is none is refused, and names are quoted`() async throws {
        let printed = try await Command.godwit("migrate", "--print", "--grants", #"a"b' -- \#n; DROP TABLE x"#).run()
        #expect(printed.exitCode == 0)
        #expect(printed.standardOutput.contains(#"GRANT SELECT ON "public"."events" TO "a""b' -- "#))
        #expect(!printed.standardOutput.contains("\n; DROP TABLE x;"))
        #expect(try await Command.godwit("migrate", "--print", "--grants", "$godwit$").run().exitCode == 78)
        try await TestStore.with { test in
            let environment = [
                "GODWIT_DATABASE_URL": test.url, "GODWIT_DATABASE_SCHEMA": test.tables.godwitSchema,
                "GODWIT_DATABASE_GODWIT_SCHEMA": test.tables.godwitSchema,
            ]
            let absent = try await Command.godwit("migrate", "--grants", "no_such_role", environment: environment).run()
            #expect(absent.exitCode == 64)
            #expect(absent.standardError.contains("CREATE ROLE"))
            let connection = try await test.connect()
            for (action, count) in [("install", 1), ("install", 1), ("remove", 0), ("remove", 0)] {
                let done = try await Command.godwit("migrate", "--notify-trigger", action, environment: environment)
                    .run()
                #expect(done.exitCode == 0, "\(done.standardError)")
                let found = try await connection.query(
                    "SELECT count(*) FROM pg_trigger WHERE tgname = 'godwit_notify' AND tgrelid = $1::regclass",
                    test.tables.events.sql)
                #expect(try found.first?.decode(0, as: Int.self) == count)
            }
            await connection.close()
        }
    }
}
