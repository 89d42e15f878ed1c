package import EventSourcing
import FoundationEssentials
package import Postgres

/// An event store of one test: its own schema on the shared server, dropped at the end.
package struct TestStore: Sendable {
    package let url: String
    package let tables: TableNames
    package let store: EventStore

    /// Makes the schema, runs the body, drops the schema.
    package static func with<Value>(
        notify: (_ schema: String) -> EventStore.Notify = { _ in .never },
        _ body: (TestStore) async throws -> Value
    ) async throws -> Value {
        await Places.shared.take()
        do {
            let value = try await withPlace(TestDatabase(), notify: notify, body)
            await Places.shared.giveBack()
            return value
        } catch {
            await Places.shared.giveBack()
            throw error
        }
    }

    private static func withPlace<Value>(
        _ database: TestDatabase, notify: (_ schema: String) -> EventStore.Notify,
        _ body: (TestStore) async throws -> Value
    ) async throws -> Value {
        let schema = database.schema
        let tables = try TableNames(inSchema: schema, godwitSchema: schema)
        let test = TestStore(
            url: database.url, tables: tables, store: EventStore(tables: tables, notify: notify(schema)))
        do {
            let connection = try await test.connect()
            _ = try await Schema(tables).migrate(on: connection)
            await connection.close()
            let value = try await body(test)
            try await test.drop()
            return value
        } catch {
            try await test.drop()
            throw error
        }
    }

    /// As ``with(notify:_:)``, in a database of its own with another encoding than UTF-8.
    package static func withDatabase<Value>(
        encoding: String, _ body: (TestStore) async throws -> Value
    ) async throws -> Value {
        let shared = try await TestDatabase()
        let connection = try await Connection.open(ConnectionConfiguration(shared.url))
        let create =
            "CREATE DATABASE \(shared.schema) ENCODING '\(encoding)' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        try await connection.execute(script: create)
        await connection.close()
        let url = shared.url.split(separator: "/").dropLast().joined(separator: "/") + "/" + shared.schema
        // A URL has two slashes behind its scheme.
        let own = url.replacing(":/", with: "://", maxReplacements: 1)
        let value: Result<Value, any Error>
        do {
            value = .success(try await withPlace(TestDatabase(url: own), notify: { _ in .never }, body))
        } catch {
            value = .failure(error)
        }
        let last = try await Connection.open(ConnectionConfiguration(shared.url))
        try await last.execute(script: "DROP DATABASE \(shared.schema) WITH (FORCE)")
        await last.close()
        return try value.get()
    }

    package var configuration: ConnectionConfiguration {
        get throws { try ConnectionConfiguration(url, applicationName: "test \(tables.godwitSchema)") }
    }

    package func connect() async throws -> Connection {
        try await Connection.open(configuration)
    }

    /// Ends the test's sessions and prepared transactions, which would keep the schema from being dropped.
    private func drop() async throws {
        let connection = try await Connection.open(ConnectionConfiguration(url))
        let schema = tables.godwitSchema
        try await connection.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", "test \(schema)")
        let prepared = try await connection.query(
            "SELECT gid FROM pg_prepared_xacts WHERE starts_with(gid, $1)", schema)
        for row in prepared {
            try await connection.execute(script: "ROLLBACK PREPARED '\(row.decode(0, as: String.self))'")
        }
        try await connection.execute(script: "DROP SCHEMA IF EXISTS \"\(schema)\" CASCADE")
        await connection.close()
    }
}

/// Bounds how many tests have a store at a time: a server may allow no more than a hundred connections.
private actor Places {
    static let shared = Places()

    private var free = 4
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func giveBack() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}

extension Event {
    /// An event with everything a test does not care for filled in.
    package static func sample(
        _ aggregateID: String = "user-1", context: String = "Identity", aggregateType: String = "User",
        type: String = "UserRegistered", payload: String = "{}"
    ) -> Event {
        Event(
            boundedContext: context, aggregateType: aggregateType, aggregateID: aggregateID, eventType: type,
            payload: Array(payload.utf8))
    }
}
