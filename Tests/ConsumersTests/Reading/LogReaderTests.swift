import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

@Suite(.timeLimit(.minutes(2))) struct LogReaderTests {
    /// Runs a reader that nothing wakes but its subscriptions and ``LogReader/noteNews()``.
    private func reading(
        _ test: TestStore, _ body: (LogReader, Subscription) async throws -> Void
    ) async throws {
        let source = try test.source()
        let reader = source.reader
        let running = Task { try await reader.run([], options: ReaderOptions()) }
        do {
            let life = try await serving(reader)
            let selection = SegmentSelection(starts: [0], totalSegments: 1, strategy: FNV1aPartitionStrategy())
            try await body(
                reader, await reader.subscribe(.all, selection, after: 0, target: nil, life: life))
        } catch {
            running.cancel()
            _ = try? await running.value
            throw error
        }
        running.cancel()
        _ = try? await running.value
        await source.close()
    }

    private func serving(_ reader: LogReader) async throws -> ServerLife {
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while true {
            if case .serving(let life) = await reader.state { return life }
            try #require(ContinuousClock.now < deadline)
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test func `those that listen are given up where the reader's connection fell silent`() async throws {
        try await TestStore.with { test in
            let (proxy, url) = try TestProxy.before(test.url)
            defer { proxy.close() }
            var configuration = try ConnectionConfiguration(url)
            configuration.answerTimeout = .seconds(1)
            let source = EventSource(configuration, tables: test.tables, logger: quiet)
            let reader = source.reader
            let running = Task { try await reader.run([], options: ReaderOptions()) }
            defer { running.cancel() }
            let life = try await serving(reader)
            let selection = SegmentSelection(starts: [0], totalSegments: 1, strategy: FNV1aPartitionStrategy())
            let subscription = try await reader.subscribe(.all, selection, after: 0, target: nil, life: life)
            let listener = try await Listener.open(source.configuration, channels: ["quiet"])
            let listening = Task { try await listener.next(within: .seconds(3600)) }
            proxy.set(.silentForOld)
            _ = try await reader.look()
            let error = await #expect(throws: PostgresError.self) {
                try await deadline { try await listening.value }
            }
            #expect(error?.code == .connectionLost)
            await reader.unsubscribe(subscription)
            await listener.close()
        }
    }

    private func take(_ count: Int, from subscription: Subscription) async throws -> [Int64] {
        var positions: [Int64] = []
        while positions.count < count, let batch = try await subscription.next() {
            if let events = batch.events { positions += batch.selection.map { events[$0.index].globalPosition } }
        }
        return positions
    }

    @Test func `events that come while a subscription is full are read as soon as it has room`() async throws {
        try await TestStore.with { test in
            try await reading(test) { reader, subscription in
                let connection = try await test.connect()
                let most = Int64(Subscription.mostBatches)
                for position in 1...most {
                    _ = try await test.append([.sample("a")], on: connection)
                    reader.noteNews()
                    try await eventually("not read") { await reader.snapshot().position == position }
                }
                _ = try await test.append([.sample("a")], on: connection)
                reader.noteNews()
                #expect(try await reader.look() == nil, "there is no room")
                // Nothing else is due any more that would wake the reader.
                try await Task.sleep(for: .milliseconds(1_500))
                #expect(await reader.snapshot().position == most)
                let all = try await deadline { try await take(Int(most) + 1, from: subscription) }
                #expect(all == Array(1...most + 1))
                await connection.close()
            }
        }
    }
}
