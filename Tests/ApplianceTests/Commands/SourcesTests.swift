import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Several sources in one process: two databases and three schemas, twelve consumers.
@Suite struct SourcesTests {
    /// Sources a and b are schemas of one database, c is another database, behind a proxy that can stop it.
    private struct Fixture {
        let stores: [(name: String, url: String, tables: TableNames)]
        let proxy: TestProxy
        let port: UInt16
        let kafka: TestKafka
        let topics: [String]
        let folder: TestFolder
        let admin: AdminPort

        static func with(_ body: (Fixture) async throws -> Void) async throws {
            try await TestStore.with { first in
                try await TestStore.withDatabase(encoding: "UTF8") { third in
                    let kafka = try await TestKafka()
                    let (proxy, url) = try TestProxy.before(third.url)
                    let second = "\(first.tables.godwitSchema)_b"
                    let connection = try await first.connect()
                    try await connection.execute(script: "CREATE SCHEMA \(second)")
                    var topics: [String] = []
                    for name in ["a", "b", "c"] { topics.append(try await kafka.makeTopic("source_\(name)")) }
                    let fixture = Fixture(
                        stores: [
                            ("a", first.url, first.tables),
                            ("b", first.url, try TableNames(inSchema: second, godwitSchema: second)),
                            ("c", url, third.tables),
                        ], proxy: proxy, port: try port(of: third.url), kafka: kafka, topics: topics,
                        folder: try TestFolder(), admin: try AdminPort())
                    try fixture.configure()
                    let result: Result<Void, any Error>
                    do {
                        result = .success(try await body(fixture))
                    } catch {
                        result = .failure(error)
                    }
                    proxy.close()
                    try await connection.execute(script: "DROP SCHEMA \(second) CASCADE")
                    await connection.close()
                    try result.get()
                }
            }
        }

        private static func port(of url: String) throws -> UInt16 {
            let place = try #require(url.split(separator: "@").last?.split(separator: "/").first)
            return try #require(place.split(separator: ":").last.flatMap { UInt16($0) })
        }

        /// Four consumers of each source.
        func configure() throws {
            let sources = stores.map { store in
                """
                  \(store.name):
                    database: { url: "\(store.url)", schema: \(store.tables.godwitSchema), godwit_schema: \(store.tables.godwitSchema) }
                """
            }
            let consumers = zip(stores, topics).flatMap { store, topic in
                (1...4).map { "  \(store.name)\($0): { topic: \(topic), source: \(store.name) }" }
            }
            try folder.write(
                "godwit.yaml",
                """
                database: { connect_timeout: 2s }
                sources:
                \(sources.joined(separator: "\n"))
                kafka: { bootstrap_servers: "\(kafka.bootstrapServers)" }
                worker: { poll_interval: 20ms, heartbeat_interval: 400ms, total_segments: 2 }
                admin: { listen: "127.0.0.1:\(admin.port)" }
                consumers:
                \(consumers.joined(separator: "\n"))
                """)
        }

        func command(_ arguments: String...) async throws -> Command.Result {
            var command = Command.godwit(environment: ["GODWIT_CONFIG": folder.path + "/godwit.yaml"])
            command.arguments = arguments
            return try await command.run()
        }

        func run() throws -> RunningCommand {
            try Command.godwit("run", environment: ["GODWIT_CONFIG": folder.path + "/godwit.yaml"]).start()
        }

        func append(_ count: Int, to index: Int, from first: Int = 0) async throws {
            let (tables, url) = (stores[index].tables, stores[index].url)
            let connection = try await Connection.open(ConnectionConfiguration(url))
            for number in first..<first + count {
                _ = try await connection.withTransaction {
                    try await EventStore(tables: tables, notify: .never).append(
                        [.sample("user-\(number)")], expecting: .any, in: $0)
                }
            }
            await connection.close()
        }

        /// Waits until each of the source's four consumers has delivered so many events.
        func receive(_ count: Int, of index: Int, within limit: Duration = .seconds(40)) async throws {
            _ = try await kafka.read([topics[index]], within: limit) { $0.eventIDs.count >= count }
            try await eventually("all four consumers of \(stores[index].name) deliver", within: limit) {
                try await kafka.readAll([topics[index]]).count >= 4 * count
            }
        }

        func stop() { proxy.retarget(to: 1) }
        func start() { proxy.retarget(to: port) }
    }

    @Test(.timeLimit(.minutes(4)))
    func `one database that is stopped, later and at the start, keeps no other source from flowing`() async throws {
        try await Fixture.with { place in
            let checked = try await place.command("config", "check")
            #expect(checked.exitCode == 0, "\(checked)")
            let migrated = try await place.command("migrate", "--json")
            #expect(migrated.exitCode == 0, "\(migrated)")
            guard case .array(let all)? = try JSONParser.parse(migrated.standardOutput)["sources"] else {
                Issue.record("no sources: \(migrated)")
                return
            }
            #expect(all.map { $0["source"] } == ["a", "b", "c"])
            var relay = try place.run()
            for index in 0..<3 { try await place.append(20, to: index) }
            for index in 0..<3 { try await place.receive(20, of: index) }
            try await eventually("it is ready") { try await place.admin.get("/readyz").status == 200 }
            let status = try await place.command("status", "--json")
            #expect(status.exitCode == 0, "\(status)")
            let text = try await place.command("status")
            #expect(text.standardOutput.contains("source b\n"), "\(text)")
            let metrics = try await place.admin.get("/metrics").body
            #expect(metrics.contains(#"consumer="a1",source="a""#) || metrics.contains(#"source="a""#), "\(metrics)")

            place.stop()
            try await eventually("the outage shows") {
                try await place.admin.get("/readyz").body.contains("source c: ")
            }
            for index in 0..<2 { try await place.append(20, to: index, from: 20) }
            for index in 0..<2 { try await place.receive(40, of: index, within: .seconds(10)) }
            let partly = try await place.command("status")
            #expect(partly.exitCode == 10, "\(partly)")
            #expect(partly.standardOutput.contains("a1"), "\(partly)")
            let doctor = try await place.command("doctor")
            #expect(doctor.exitCode == 4 && doctor.standardOutput.contains("database of c"), "\(doctor)")
            #expect(!doctor.standardOutput.contains("relaying of c"), "what cannot be seen is not well: \(doctor)")
            let paused = try await place.command("pause", "b2")
            #expect(paused.exitCode == 0, "\(paused)")
            #expect(try await place.command("resume", "b2").exitCode == 0)
            let unsaid = try await place.command("append")
            #expect(unsaid.exitCode == 64 && unsaid.standardError.contains("--source"), "\(unsaid)")

            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
            relay = try place.run()
            for index in 0..<2 { try await place.append(20, to: index, from: 40) }
            for index in 0..<2 { try await place.receive(60, of: index) }
            place.start()
            try await place.append(20, to: 2, from: 20)
            try await place.receive(40, of: 2)
            try await eventually("all is well") { try await place.admin.get("/readyz").status == 200 }
            let verified = try await place.command("verify", "--consumer", "c3", "--allow-doubled")
            #expect(verified.exitCode == 0, "\(verified)")
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a source that lacks its tables is reported and waited for, and sessions are as documented`() async throws {
        try await Fixture.with { place in
            for name in ["a", "c"] {
                #expect(try await place.command("migrate", "--source", name).exitCode == 0)
            }
            let relay = try place.run()
            for index in [0, 2] { try await place.append(10, to: index) }
            for index in [0, 2] { try await place.receive(10, of: index) }
            let ready = try await place.admin.get("/readyz")
            #expect(ready.status == 503 && ready.body.contains("source b: "), "\(ready)")
            #expect(try await place.admin.get("/").body.contains("source b"))
            // Of each source: control, reader, listener, status, and lanes while they catch up.
            let connection = try await Connection.open(ConnectionConfiguration(place.stores[2].url))
            let sessions = try await connection.query(
                Statement(
                    """
                    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                    AND application_name LIKE 'godwit%' AND pid <> pg_backend_pid()
                    """)
            ).first?.decode(0, as: Int.self)
            await connection.close()
            #expect((3...6).contains(sessions ?? 0), "\(sessions ?? -1)")
            #expect(try await place.command("migrate", "--source", "b").exitCode == 0)
            try await place.append(10, to: 1)
            try await place.receive(10, of: 1)
            try await eventually("all is well") { try await place.admin.get("/readyz").status == 200 }
            let changed = try await place.command("doctor", "--json")
            #expect([0, 4].contains(changed.exitCode), "\(changed)")
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a source that fails after its start says so, and is tried again while the others flow`() async throws {
        try await Fixture.with { place in
            #expect(try await place.command("migrate").exitCode == 0)
            let relay = try place.run()
            for index in 0..<3 { try await place.append(10, to: index) }
            for index in 0..<3 { try await place.receive(10, of: index) }
            let segments = place.stores[2].tables.consumerSegments.sql
            let connection = try await Connection.open(ConnectionConfiguration(place.stores[2].url))
            // Its rows are put away, and the relay looks at them anew.
            try await connection.execute(
                script: """
                    CREATE TABLE kept AS SELECT * FROM \(segments) WHERE consumer_name = 'c1' AND segment_id = 1;
                    DELETE FROM \(segments) WHERE consumer_name = 'c1' AND segment_id = 1;
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name LIKE 'godwit%' AND datname = current_database() AND pid <> pg_backend_pid();
                    """)
            try await eventually("it is not reported", within: .seconds(30)) {
                let ready = try await place.admin.get("/readyz")
                return ready.status == 503 && ready.body.contains("source c: nothing is relayed at the moment")
                    && ready.body.contains("tried again")
            }
            for index in 0..<2 { try await place.append(10, to: index, from: 10) }
            for index in 0..<2 { try await place.receive(20, of: index, within: .seconds(20)) }
            try await connection.execute(
                script: "INSERT INTO \(segments) SELECT * FROM kept; DROP TABLE kept")
            try await place.append(10, to: 2, from: 10)
            try await place.receive(20, of: 2)
            try await eventually("all is well") { try await place.admin.get("/readyz").status == 200 }
            let metrics = try await place.admin.get("/metrics").body
            #expect(metrics.contains(#"consumer="c1""#), "\(metrics)")
            await connection.close()
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0, "\(result)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what is parked is listed with its own source, where several share Godwit's tables`() async throws {
        try await TestStore.with { store in
            let (folder, schema) = (try TestFolder(), store.tables.godwitSchema)
            let connection = try await store.connect()
            try await connection.execute(
                script: """
                    INSERT INTO \(schema).dead_letters (consumer_name, global_position, segment_id, event_id, event_type,
                        bounded_context, aggregate_type, aggregate_id, aggregate_version, state, is_cause, reason, error)
                    VALUES ('shop', 7, 0, gen_random_uuid(), '', '', '', 'a', 1, 'parked', true, 'poison', ''),
                        ('gone', 9, 0, gen_random_uuid(), '', '', '', 'a', 1, 'parked', true, 'poison', '')
                    """)
            await connection.close()
            try folder.write(
                "godwit.yaml",
                """
                database: { url: "\(store.url)", schema: \(schema), godwit_schema: \(schema) }
                sources:
                  first: { table: \(schema).events }
                  second: { table: \(schema).events }
                kafka: { bootstrap_servers: "127.0.0.1:9" }
                consumers:
                  orders: { topic: orders, source: first }
                  shop: { topic: shop, source: second }
                """)
            var command = Command.godwit(environment: ["GODWIT_CONFIG": folder.path + "/godwit.yaml"])
            command.arguments = ["parked", "list", "--json"]
            let listed = try await command.run()
            #expect(listed.exitCode == 0, "\(listed)")
            guard case .array(let sources)? = try JSONParser.parse(listed.standardOutput)["sources"] else { return }
            let positions = sources.map { source in
                guard case .array(let events)? = source["events"] else { return [JSONValue]() }
                return events.compactMap { $0["position"] }
            }
            // Whose nobody says, both show.
            #expect(positions == [[.number(9)], [.number(9), .number(7)]], "\(listed)")
        }
    }
}
