import Consumers
import CoreMetrics
import Kafka
import KafkaTestBroker
import Telemetry
import TestSupport
import Testing

@testable import KafkaBridge

@Suite(.onEmbeddedBroker) struct PublisherMetricsTests {
    @Test func `failures count by class and what is acknowledged once`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await check(kafka, broker)
        }
    }

    private func check(_ kafka: TestKafka, _ broker: KafkaTestBroker) async throws {
        let topic = try await kafka.makeTopic(partitions: 1)
        let registry = PrometheusRegistry()
        let publisher = try withMetricsFactory(registry) {
            try kafka.publisher(
                topic, .mustExist,
                // The records of a batch share a request, and with it their fate.
                properties: ["max.in.flight": "1", "batch.num.messages": "20", "linger.ms": "200"])
        }
        let name = publisher.name
        func count(_ metric: Metric, _ more: String = "") -> Int {
            let series = "\(metric.rawValue){\(more)consumer=\"\(name)\"} "
            let line = registry.exposition().split(separator: "\n").first { $0.hasPrefix(series) }
            return line.flatMap { Int($0.dropFirst(series.count)) } ?? -1
        }
        try await publisher.deliver(try await EventRows.numbered(0..<10))
        #expect(count(.recordsPublished) == 10 && count(.producerRuns) == 1)

        await broker.inject(Fault(.refuse(KafkaErrorCode(.clusterAuthorizationFailed)), on: .produce, count: 1))
        try await publisher.deliver(try await EventRows.numbered(10..<20))
        #expect(count(.recordsPublished) == 20 && count(.producerRuns) == 2)
        #expect(count(.recordsSentAgain) == 0, "what was rejected is in no topic")
        #expect(count(.retries, "class=\"refused\",") == 1 && count(.retries, "class=\"poison\",") == 0)

        await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, count: 50))
        let publication = try await publisher.publish(try await EventRows.numbered(20..<30))
        let halts = try await deadline { try await publication.outcome().halts }
        #expect(halts.map(\.position) == [21])
        await publisher.close()
        // Rejected together, then alone.
        #expect(count(.retries, "class=\"poison\",") == 2)
        #expect(count(.recordsPublished) == 20)
        #expect(registry.exposition().contains("{consumer=\"\(name)\",status=\"halted\"} 1"))
        #expect(registry.exposition().contains("{consumer=\"\(name)\",status=\"flowing\"} 0"))
    }
}
