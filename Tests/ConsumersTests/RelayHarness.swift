import Consumers
import EventSourcing
import Logging
import Postgres
import TestSupport
import Testing

extension TestStore {
    func source() throws -> EventSource {
        EventSource(
            try configuration, tables: tables, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    func relay(
        _ consumer: any IntegrationConsumer, _ source: EventSource, owner: String = "test", totalSegments: Int = 4,
        drainTimeout: Duration = .seconds(20)
    ) -> Relay {
        Relay(
            consumer, source: source,
            options: RelayOptions(ownerID: owner, totalSegments: totalSegments, drainTimeout: drainTimeout),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Runs the relay beside the body, woken by polling, and stops it in order when the body is done.
    func running<Value>(
        _ relay: Relay, _ source: EventSource, _ body: () async throws -> Value
    ) async throws -> Value {
        let dispatcher = Task { try await PollingDispatcher(source, interval: .milliseconds(10)).run() }
        let running = Task { try await relay.run() }
        defer { dispatcher.cancel() }
        do {
            let value = try await body()
            relay.stop()
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
