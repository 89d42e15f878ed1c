import Consumers
import EventSourcing
import Glibc
import Logging
import Postgres
import TestSupport
import Testing

extension TestStore {
    func source() throws -> EventSource {
        EventSource(try configuration, tables: tables, logger: .silent)
    }

    /// Options that make others' changes show quickly.
    var options: WorkerOptions {
        var options = WorkerOptions()
        options.heartbeatInterval = .milliseconds(400)
        options.staleThreshold = .seconds(3)
        options.rebalanceInterval = .milliseconds(500)
        options.dispatcherPollInterval = .milliseconds(10)
        options.logger = .silent
        return options
    }

    func worker(
        _ consumer: any IntegrationConsumer, _ source: EventSource, totalSegments: Int = 4,
        drainTimeout: Duration = .seconds(20)
    ) throws -> Worker {
        var options = options
        options.totalSegments = totalSegments
        options.drainTimeout = drainTimeout
        return try Worker(source, integrations: [consumer], options: options)
    }

    /// Runs the worker beside the body, and stops it in order when the body is done.
    func running<Value>(
        _ worker: Worker, _ source: EventSource, _ body: () async throws -> Value
    ) async throws -> Value {
        let running = Task { try await worker.run() }
        do {
            let value = try await body()
            worker.stop()
            try await running.value
            await source.close()
            return value
        } catch {
            running.cancel()
            _ = try? await running.value
            await source.close()
            throw error
        }
    }

    /// The checkpoints of the consumer's segments, in the order of the segments.
    func checkpoints(of consumer: String) async throws -> [Int64] {
        let connection = try await connect()
        let rows = try await connection.query(
            Statement(
                "SELECT checkpoint FROM \(tables.consumerSegments.sql) WHERE consumer_name = $1 ORDER BY segment_id"),
            consumer)
        let checkpoints: [Int64] = try rows.map { try $0.decode(0) }
        await connection.close()
        return checkpoints
    }

    func append(_ events: [Event], on connection: Connection) async throws -> AppendResult {
        try await connection.withTransaction { try await store.append(events, expecting: .any, in: $0) }
    }

    /// Appends one event each to so many aggregates.
    func appendOneEach(_ count: Int, type: String = "User") async throws {
        let connection = try await connect()
        for number in 0..<count {
            _ = try await append([.sample("aggregate-\(number)", aggregateType: type)], on: connection)
        }
        await connection.close()
    }
}

extension Logger {
    /// Says nothing, unless a test is being looked into.
    static let silent = Logger(label: "test") { label in
        if getenv("GODWIT_TEST_LOG") == nil { return SwiftLogNoOpLogHandler() }
        return StreamLogHandler.standardError(label: label)
    }
}
