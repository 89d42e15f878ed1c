import Consumers
import CoreMetrics
import Kafka
import Telemetry
import Testing

@testable import KafkaBridge

@Suite(.enabled(if: Broker.realServers == nil, "injects faults, which GODWIT_TEST_KAFKA's brokers do not offer"))
struct PublisherMetricsTests {
    @Test func failuresCountByClassAndWhatIsAcknowledgedOnce() async throws {
        let broker = try Broker(properties: ["max.in.flight": "1", "batch.num.messages": "20"])
        let topic = broker.uniqueTopic()
        try broker.mock?.createTopic(topic, partitions: 1)
        let registry = PrometheusRegistry()
        let publisher = try withMetricsFactory(registry) { try broker.publisher(topic, .mustExist) }
        let name = publisher.name
        func count(_ metric: Metric, _ more: String = "") -> Int {
            let series = "\(metric.rawValue){\(more)consumer=\"\(name)\"} "
            let line = registry.exposition().split(separator: "\n").first { $0.hasPrefix(series) }
            return line.flatMap { Int($0.dropFirst(series.count)) } ?? -1
        }
        try await publisher.deliver(try await EventRows.numbered(0..<10))
        #expect(count(.recordsPublished) == 10 && count(.producerRuns) == 1)

        broker.mock?.pushErrors([.topicAuthorizationFailed], for: .produce)
        try await publisher.deliver(try await EventRows.numbered(10..<20))
        #expect(count(.recordsPublished) == 20 && count(.producerRuns) == 2)
        #expect(count(.retries, "class=\"refused\",") == 1 && count(.retries, "class=\"poison\",") == 0)

        broker.mock?.pushErrors(Array(repeating: .invalidRecord, count: 50), for: .produce)
        let publication = try await publisher.publish(try await EventRows.numbered(20..<30))
        await #expect(throws: PublicationHalted.self) { try await deadline { try await publication.acknowledged() } }
        await publisher.close()
        // Rejected together, then alone.
        #expect(count(.retries, "class=\"poison\",") == 2)
        #expect(count(.recordsPublished) == 20)
        #expect(registry.exposition().contains("{consumer=\"\(name)\",status=\"halted\"} 1"))
        #expect(registry.exposition().contains("{consumer=\"\(name)\",status=\"flowing\"} 0"))
    }
}
