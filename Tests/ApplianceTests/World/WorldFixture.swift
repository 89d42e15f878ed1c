import FoundationEssentials
import Glibc
import Kafka
import LocalPostgres
import Postgres
import Synchronization
import TestSupport
import Testing

/// A throw-away PostgreSQL with the tables of the store, a topic, and `godwit run` between the two.
///
/// A black box: it knows the commands and variables of the program, the tables and the topic, and nothing of how the
/// program works. There is one consumer, `shop`, with one segment, so that one checkpoint stands for all events.
final class WorldFixture: Sendable {
    private struct State {
        var relays: [RunningCommand] = []
        var sessions: [Connection] = []
        /// How many bytes of the log of the last relay were there before the change.
        var logBefore = 0
        var settings: [String: String] = [:]
    }

    let postgres: LocalPostgres
    let kafka: TestKafka
    let topic: String
    private let state = Mutex(State())

    /// How many events ``withFlowing(prepare:_:)`` has delivered, and the position of the last of them.
    static let delivered: Int64 = 20

    /// Between two looks at `status`, which costs a process each.
    static let pause: Duration = .milliseconds(200)

    private init(_ postgres: LocalPostgres, _ kafka: TestKafka, topic: String) {
        self.postgres = postgres
        self.kafka = kafka
        self.topic = topic
    }

    /// Runs a test on a migrated database; no relay runs yet.
    static func with(
        _ options: LocalPostgres.Options = LocalPostgres.Options(), _ body: (WorldFixture) async throws -> Void
    ) async throws {
        let postgres = try await LocalPostgres.start(options)
        do {
            let kafka = try await TestKafka()
            let world = WorldFixture(postgres, kafka, topic: try await kafka.makeTopic("shop"))
            do {
                // A role of its own distinguishes the sessions of the relay from all others.
                try await world.execute("CREATE ROLE relay LOGIN SUPERUSER")
                try await world.migrate()
                try await body(world)
                await world.end()
            } catch {
                await world.end()
                throw error
            }
        } catch {
            await postgres.stop()
            throw error
        }
        await postgres.stop()
    }

    /// Runs a test on a relay that has delivered and checkpointed twenty events.
    ///
    /// - Parameter prepare: what is different in the database before the relay starts.
    static func withFlowing(
        prepare: (WorldFixture) async throws -> Void = { _ in }, _ body: (WorldFixture) async throws -> Void
    ) async throws {
        try await with { world in
            try await prepare(world)
            try world.startRelay()
            try await world.append(Int(delivered))
            try await world.expectEverythingDelivered()
            try await world.waitForCheckpoint(delivered)
            try await body(world)
        }
    }

    /// Makes the tables, or grants, as the owner of the tables, which the relay is not.
    func migrate(_ arguments: String...) async throws {
        var command = Command.godwit(environment: variables.merging(["GODWIT_DATABASE_URL": postgres.url]) { $1 })
        command.arguments = ["migrate"] + arguments
        let migrated = try await command.run()
        try #require(migrated.exitCode == 0, "\(migrated.standardError)")
    }

    private func end() async {
        let (relays, sessions) = state.withLock { ($0.relays, $0.sessions) }
        for relay in relays { relay.send(SIGKILL) }
        for relay in relays { _ = await relay.result() }
        for session in sessions { await session.close() }
    }

    // MARK: The relay

    private var variables: [String: String] {
        [
            "GODWIT_DATABASE_URL": postgres.url(user: "relay"),
            "GODWIT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrapServers,
            "GODWIT_CONSUMERS_SHOP_TOPIC": topic,
            "GODWIT_WORKER_TOTAL_SEGMENTS": "1",
            "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms",
            // What these tests are about does not depend on what wakes the relay.
            "GODWIT_NOTIFY_MODE": "never", "GODWIT_WORKER_POLL_INTERVAL": "20ms",
        ].merging(state.withLock { $0.settings }) { $1 }
    }

    /// Changes the configuration of what is started from now on.
    func configure(_ settings: [String: String]) {
        state.withLock { $0.settings.merge(settings) { $1 } }
    }

    /// Starts `godwit run`.
    func startRelay() throws {
        let relay = try Command.godwit("run", environment: variables).start()
        state.withLock { state in
            state.relays.append(relay)
            state.logBefore = 0
        }
    }

    /// Stops the relay as a service manager does.
    func stopRelay() async throws {
        let relay = try relay
        relay.send(SIGTERM)
        let result = try await deadline { await relay.result() }
        try #require(result.exitCode == 0, "\(result.standardError)")
    }

    /// Runs another command of the program to its end, on the same configuration.
    func godwit(_ arguments: String...) async throws -> Command.Result {
        var command = Command.godwit(environment: variables)
        command.arguments = arguments
        return try await command.run()
    }

    var relay: RunningCommand {
        get throws { try #require(state.withLock { $0.relays.last }, "no relay was started") }
    }

    var relayIsAlive: Bool {
        get throws { kill(try relay.processID, 0) == 0 }
    }

    /// What the relay logged since the last change.
    var log: String {
        get throws {
            let text = try relay.standardError.utf8.dropFirst(state.withLock { $0.logBefore })
            return String(decoding: text, as: UTF8.self)
        }
    }

    // MARK: What happens in the database

    private func connect(_ application: String = "test", user: String? = nil) async throws -> Connection {
        let url = user.map { postgres.url(user: $0) } ?? postgres.url
        return try await Connection.open(ConnectionConfiguration(url, applicationName: application))
    }

    /// A session that stays open until the test ends or closes it.
    func session(_ application: String = "writer", user: String? = nil) async throws -> Connection {
        let session = try await connect(application, user: user)
        state.withLock { $0.sessions.append(session) }
        return session
    }

    /// Runs statements in a session of their own.
    func execute(_ sql: String) async throws {
        let connection = try await connect()
        do {
            try await connection.execute(script: sql)
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Runs statements in a session of their own; what the relay logged before them no longer counts.
    func change(_ sql: String) async throws {
        beginChange()
        try await execute(sql)
    }

    /// From here on the relay has something to report: what it logged before no longer counts.
    func beginChange() {
        state.withLock { state in state.logBefore = state.relays.last?.standardError.utf8.count ?? 0 }
    }

    /// Appends events of as many aggregates, each in a transaction of its own.
    func append(_ count: Int) async throws {
        let connection = try await connect()
        for _ in 0..<count { try await connection.insert() }
        await connection.close()
    }

    /// Commits ten events while an earlier position is still open, and that one after the relay has looked.
    func appendOverlapping() async throws {
        let late = try await session("late")
        try await late.execute(script: "BEGIN")
        try await late.insert(3)
        try await append(10)
        try await letRelayLook()
        try await late.execute(script: "COMMIT")
        try await append(5)
    }

    /// Waits until the relay has run a number of further statements: a relay that passes a gap has done so by then.
    ///
    /// - Parameter word: also ends the wait once it is logged, whatever its case; a relay that has refused may look rarely.
    func letRelayLook(orLog word: String? = nil) async throws {
        let connection = try await connect()
        var statements: Set<String> = []
        try await eventually("the relay runs no statements") {
            let rows = try await connection.query(
                "SELECT concat(pid, query_start) FROM pg_stat_activity WHERE usename = 'relay' AND query <> ''")
            for row in rows { statements.insert(try row.decode(0)) }
            if let word, try log.lowercased().contains(word) { return true }
            return statements.count >= 40
        }
        await connection.close()
    }

    /// The highest checkpoint, 0 if there is none.
    func checkpoint() async throws -> Int64 {
        try await number("SELECT coalesce(max(checkpoint), 0) FROM consumer_segments")
    }

    func waitForCheckpoint(_ position: Int64) async throws {
        try await eventually("the checkpoint never came to \(position)") { try await checkpoint() == position }
    }

    /// The only value of a query.
    func number(_ sql: String) async throws -> Int64 {
        let connection = try await connect()
        let rows = try await connection.query(Statement(sql))
        await connection.close()
        return try #require(rows.first).decode(0)
    }

    /// The id of the event at a position.
    func eventID(at position: Int64) async throws -> String {
        let events = try await committed(in: ["events"], where: "global_position = \(position)")
        return try #require(events.keys.first)
    }

    /// The ids of the committed events, with their positions.
    func committed(in tables: [String], where condition: String = "true") async throws -> [String: Int64] {
        let connection = try await connect()
        var events: [String: Int64] = [:]
        for table in tables {
            let sql = "SELECT event_id::text, global_position FROM \(table) WHERE \(condition)"
            for row in try await connection.query(Statement(sql)) {
                events[try row.decode(0)] = try row.decode(1)
            }
        }
        await connection.close()
        return events
    }
}

extension Connection {
    /// Inserts events with one statement, each the first of an aggregate, and gives their positions.
    ///
    /// - Parameter position: the position of the first; `nil` draws from the sequence by the column's default.
    @discardableResult
    func insert(
        _ count: Int = 1, into table: String = "events", context: String = "Shop", at position: Int64? = nil
    ) async throws -> [Int64] {
        let sql = """
            INSERT INTO \(table) (\(position == nil ? "" : "global_position, ")bounded_context, aggregate_type,
                aggregate_id, aggregate_version, event_id, event_type, payload)
            SELECT \(position.map { "\($0) + number - 1, " } ?? "")'\(context)', 'Order',
                gen_random_uuid()::text, 1, gen_random_uuid(), 'OrderPlaced', '{}'
            FROM generate_series(1, \(count)) AS number RETURNING global_position
            """
        return try await query(Statement(sql)).map { try $0.decode(0) }
    }

    /// Inserts one event of an aggregate.
    func insert(version: Int, of aggregate: String) async throws {
        let sql = """
            INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type,
                payload)
            VALUES ('Shop', 'Order', '\(aggregate)', \(version), gen_random_uuid(), 'OrderPlaced', '{}')
            """
        try await query(Statement(sql))
    }
}
