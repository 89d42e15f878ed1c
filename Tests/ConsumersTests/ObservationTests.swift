import CoreMetrics
import EventSourcing
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Consumers

@Suite struct ObservationTests {
    /// The value of a metric's only series of the consumer.
    private func value(_ metric: Metric, in registry: PrometheusRegistry, _ labels: String = "") -> String? {
        let line = registry.exposition().split(separator: "\n").first { $0.hasPrefix("\(metric.rawValue)\(labels) ") }
        return line?.split(separator: " ").last.map { String($0) }
    }

    private static let recorder = "{consumer=\"recorder\"}"

    @Test func `what was handed over and not acknowledged is lag, not done`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(20)
            let registry = PrometheusRegistry()
            let consumer = RecordingConsumer(gate: Gate())
            let (source, worker) = try withMetricsFactory(registry) {
                let source = try test.source()
                return (source, try test.worker(consumer, source, drainTimeout: .milliseconds(50)))
            }
            #expect(await !worker.snapshot().isReady)
            try await test.running(worker, source) {
                try await consumer.wait(for: 20)
                try await source.lookForLatest()
                let standing = await worker.snapshot()
                #expect(standing.isReady && standing.isConnected)
                #expect(standing.consumers[0].own.segments == [0: 0, 1: 0, 2: 0, 3: 0])
                #expect(standing.consumers[0].own.lag == 20 && standing.consumers[0].share == 4)
            }
            #expect(value(.lagEvents, in: registry, Self.recorder) == "20")
            #expect(value(.eventsHandedOver, in: registry, Self.recorder) == "20")
            #expect(value(.eventsDone, in: registry, Self.recorder) == "0")
            #expect(value(.ownedSegments, in: registry, Self.recorder) == "4")
            let latency = registry.exposition().split(separator: "\n").first {
                $0.hasPrefix("\(Metric.latency.rawValue)_count")
            }
            #expect(latency?.hasSuffix(" 0") == true, "nothing was acknowledged")
        }
    }

    @Test func `the time that an event takes is attributed to where it was spent`() async throws {
        try await TestStore.with { test in
            let registry = PrometheusRegistry()
            let gate = Gate()
            let consumer = RecordingConsumer(gate: gate)
            let (source, worker) = try withMetricsFactory(registry) {
                let source = try test.source()
                return (source, try test.worker(consumer, source, totalSegments: 1))
            }
            func seconds(_ stage: String) -> Double {
                let name = "\(Metric.delay.rawValue)_sum{consumer=\"recorder\",stage=\"\(stage)\"}"
                let line = registry.exposition().split(separator: "\n").first { $0.hasPrefix(name) }
                return line?.split(separator: " ").last.flatMap { Double($0) } ?? -1
            }
            try await test.running(worker, source) {
                // created_at is the time at which its transaction began.
                let writer = try await test.connect()
                try await writer.withTransaction {
                    try await test.store.append([.sample()], expecting: .any, in: $0)
                    try await Task.sleep(for: .seconds(1))
                }
                await writer.close()
                try await consumer.wait(for: 1)
                try await Task.sleep(for: .milliseconds(1_500))
                gate.open()
                try await eventually("it is not counted") { seconds("deliver") > 0 }
            }
            #expect(seconds("settle") >= 1 && seconds("deliver") >= 1.5)
            #expect((0..<1).contains(seconds("queue")))
        }
    }

    @Test func `of a batch in which a segment halts, everything else is done`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(20)
            let registry = PrometheusRegistry()
            let (source, worker) = try withMetricsFactory(registry) {
                let source = try test.source()
                return (source, try test.worker(RecordingConsumer(haltsAt: 13), source, totalSegments: 1))
            }
            try await test.running(worker, source) {
                try await eventually("nothing halts") { await worker.snapshot().consumers[0].own.halts.count == 1 }
                let standing = await worker.snapshot()
                #expect(standing.consumers[0].own.segments == [0: 12])
                #expect(standing.consumers[0].own.halts.map(\.position) == [13])
                #expect(standing.isReady)
            }
            #expect(value(.eventsDone, in: registry, Self.recorder) == "12")
        }
    }

    @Test func `a transaction that holds the horizon back shows, and counts once`() async throws {
        try await TestStore.with { test in
            let registry = PrometheusRegistry()
            let (source, worker) = try withMetricsFactory(registry) {
                let source = EventSource(
                    try test.configuration, tables: test.tables, holdThreshold: .zero, logger: .silent)
                return (source, try test.worker(RecordingConsumer(), source))
            }
            let writer = try await test.connect()
            try await test.running(worker, source) {
                _ = try await writer.withTransaction { transaction in
                    _ = try await test.store.append([.sample("held")], expecting: .any, in: transaction)
                    try await test.appendOneEach(1)
                    try await eventually("nothing waits") { await worker.snapshot().horizon.waiting != nil }
                    let horizon = await worker.snapshot().horizon
                    #expect(horizon.position == 0 && horizon.latest == 2)
                    try await eventually("the transaction is not counted") {
                        value(.horizonHolds, in: registry, "{cause=\"idle\"}") == "1"
                    }
                    #expect(value(.horizonHolds, in: registry, "{cause=\"active\"}") == "0")
                }
                try await eventually("the horizon stays") { await worker.snapshot().horizon.position == 2 }
                #expect(await worker.snapshot().horizon.waiting == nil)
                #expect(value(.horizonWaiting, in: registry) == "0")
                #expect(value(.horizonPosition, in: registry) == "2")
            }
            await writer.close()
        }
    }
}
