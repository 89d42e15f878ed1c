import CoreMetrics
import EventSourcing
import FoundationEssentials
import Kafka
import KafkaTestBroker
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import KafkaBridge

/// Events that are older than their topic allows.
@Suite(.onEmbeddedBroker, .timeLimit(.minutes(3))) struct OldEventsTests {
    private let first = PoisonFixture.aggregates.first
    private let second = PoisonFixture.aggregates.second

    /// Appends events of so many aggregates, one each, two hours old.
    private func appendOld(_ count: Int, _ place: PoisonFixture) async throws {
        let connection = try await place.test.connect()
        let time = Date(timeIntervalSinceNow: -7_200)
        for start in stride(from: 0, to: count, by: 500) {
            let events = (start..<min(start + 500, count)).map { number in
                var event = Event.sample("old-\(number)", type: "Old")
                event.createdAt = time
                return event
            }
            _ = try await connection.withTransaction { transaction in
                for event in events {
                    _ = try await place.test.store.append([event], expecting: .any, in: transaction)
                }
            }
        }
        await connection.close()
    }

    private func youngTopic(_ place: PoisonFixture) async throws -> String {
        let name = place.kafka.uniqueTopic("young")
        try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
            let settings = ["message.timestamp.before.max.ms": "3600000"]
            _ = try await admin.createTopics([TopicSpecification(name, partitions: 2, settings: settings)])
        }
        return name
    }

    @Test func `thousands of events that are too old for the topic are parked together`() async throws {
        try await PoisonFixture.withBroker { place, _ in
            let topic = try await youngTopic(place)
            let (registry, log) = (PrometheusRegistry(), CapturedLog())
            let route = Route(topic: try TopicTemplate(topic))
            try await withMetricsFactory(registry) {
                try await appendOld(4_000, place)
                try await place.append(first, "Good")
                try await place.append(second, "Good")
                try await place.relaying(.park, change: { $0.route = route }, logger: log.logger) { _ in
                    try await place.waitForCheckpoints(4_002)
                    #expect((registry.value(.producerRuns) ?? 99) < 10)
                    #expect((registry.value(.recordsSentAgain) ?? 9_999) < 4_000)
                    #expect(registry.value(.parkedTotal) == 4_000)
                }
            }
            let warnings = log.lines.filter { $0.hasPrefix("warning") || $0.hasPrefix("error") }
            #expect(warnings.count <= 3, "\(warnings.prefix(10))")
            let letters = try await place.all()
            #expect(letters.count == 4_000 && letters.allSatisfy { $0.state == .parked && $0.isCause })
            #expect(letters.allSatisfy { $0.error.contains("message.timestamp.before.max.ms") })
            #expect(Set(try await place.kafka.readAll([topic]).positions) == [4_001, 4_002])
        }
    }

    /// Only a record that is rejected shows then which events are too old.
    @Test func `where the topic's settings cannot be read, old events are found one by one, and the others flow`()
        async throws
    {
        try await PoisonFixture.withBroker { place, broker in
            let topic = try await youngTopic(place)
            await broker.inject(
                Fault(.refuse(KafkaErrorCode(.topicAuthorizationFailed)), on: .describeConfigs, topic: topic))
            let (registry, log) = (PrometheusRegistry(), CapturedLog())
            let route = Route(topic: try TopicTemplate(topic))
            try await withMetricsFactory(registry) {
                try await appendOld(40, place)
                try await place.append(first, "Good")
                try await place.append(second, "Good")
                try await place.relaying(.park, change: { $0.route = route }, logger: log.logger) { _ in
                    try await place.waitForCheckpoints(42)
                    // Counted just after the rows are there.
                    try await eventually("not all parked events are counted") { registry.value(.parkedTotal) == 40 }
                    #expect((registry.value(.recordsSentAgain) ?? 99) <= 42)
                    // Rejected together, then alone: each costs a producer.
                    #expect((registry.value(.producerRuns) ?? 999) <= 100)
                }
            }
            let warnings = log.lines.filter { $0.hasPrefix("warning") || $0.hasPrefix("error") }
            #expect(warnings.count <= 4, "\(warnings.prefix(10))")
            let letters = try await place.all()
            #expect(letters.count == 40 && letters.allSatisfy { $0.error.contains("INVALID_TIMESTAMP") })
            #expect(Set(try await place.kafka.readAll([topic]).positions) == [41, 42])
        }
    }
}
