public import Consumers
public import EventSourcing
import Glibc
import Logging
public import Postgres
import Synchronization

/// An event store of one test: a schema of its own with all tables, dropped at the end. Tests may have theirs at the same
/// time.
///
/// ```swift
/// try await TemporaryEventStore.with { test in
///     try await test.append([event])
///     let account = try await test.run(projection)
/// }
/// ```
public struct TemporaryEventStore: Sendable {
    /// The server's URL.
    public let url: String
    /// The store's schema. A read model's tables may be there too, and are dropped with it.
    public let schema: String
    /// The names of the store's tables.
    public let tables: TableNames
    /// Appends and reads.
    public let store: EventStore

    /// Makes a store, runs the body, and drops the store, also when the body throws.
    public static func with<Value>(
        _ server: TestServer = .throwAway, _ body: (TemporaryEventStore) async throws -> Value
    ) async throws -> Value {
        let test = try await make(on: server)
        let value: Value
        do {
            value = try await body(test)
        } catch {
            // What the body threw says more than a drop that fails too.
            try? await test.drop()
            throw error
        }
        try await test.drop()
        return value
    }

    private static func make(on server: TestServer) async throws -> TemporaryEventStore {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        let chance = String(UInt32.random(in: 0 ... .max), radix: 36)
        let schema = "godwit_test_\(getpid())_\(number)_\(chance)"
        let tables = try TableNames(inSchema: schema, godwitSchema: schema)
        let test = TemporaryEventStore(
            url: try await server.url(), schema: schema, tables: tables, store: EventStore(tables: tables))
        do {
            try await test.withConnection { _ = try await Schema(tables).migrate(on: $0) }
        } catch {
            try? await test.drop()
            throw error
        }
        return test
    }

    private static let counter = Atomic<Int>(0)

    /// How to connect to the server. The sessions bear the schema's name, and are ended when the store is dropped.
    public var configuration: ConnectionConfiguration {
        get throws { try ConnectionConfiguration(url, applicationName: schema) }
    }

    /// The store as a source of events, for a `Worker` or `BasicProcessor` of the test's own. The caller closes it.
    public func source() throws -> EventSource {
        EventSource(try configuration, tables: tables, logger: .silent)
    }

    /// Runs the body with a connection to the server.
    public func withConnection<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let connection = try await Connection.open(configuration, logger: .silent)
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Appends events in their order, each run of events of one aggregate in a transaction of its own, whatever the
    /// aggregates' versions.
    ///
    /// - Returns: the events' positions.
    @discardableResult
    public func append(_ events: [Event]) async throws -> [Int64] {
        try await withConnection { connection in
            var positions: [Int64] = []
            var rest = events[...]
            while let first = rest.first {
                let run = rest.prefix { $0.aggregate == first.aggregate }
                rest = rest.dropFirst(run.count)
                positions += try await connection.withTransaction {
                    try await store.append(Array(run), expecting: .any, in: $0).positions
                }
            }
            return positions
        }
    }

    /// Ends the test's sessions, which would keep the schema from being dropped.
    private func drop() async throws {
        let connection = try await Connection.open(ConnectionConfiguration(url), logger: .silent)
        do {
            try await connection.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()",
                schema)
            try await connection.execute(script: "DROP SCHEMA IF EXISTS \"\(schema)\" CASCADE")
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }
}

extension Logger {
    /// Says nothing: what goes wrong is thrown.
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
