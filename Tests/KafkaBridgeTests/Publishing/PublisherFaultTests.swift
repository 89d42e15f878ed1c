import Consumers
import EventSourcing
import Kafka
import KafkaTestBroker
import Logging
import TestSupport
import Testing

@testable import KafkaBridge

@Suite(.onEmbeddedBroker) struct PublisherFaultTests {
    @Test func `a record rejected alone halts behind all before it`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let publisher = try kafka.publisher(topic, .mustExist)
            try await publisher.deliver(try await EventRows.numbered(0..<10))
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce))
            let publication = try await publisher.publish(try await EventRows.numbered(10..<20))
            let halts = try await deadline { try await publication.outcome().halts }
            #expect(halts.map(\.position) == [11])
            #expect(halts.first?.reason.contains("INVALID_RECORD") == true)
            await publisher.close()
            expectAll(try await kafka.readAll([topic]), 10)
        }
    }

    /// Metadata does not show that the right to write is missing.
    @Test func `a topic that refuses records halts until it takes one`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let log = CapturedLog()
            let publisher = try kafka.publisher(topic, .mustExist, logger: log.logger)
            await broker.inject(Fault(.refuse(KafkaErrorCode(.topicAuthorizationFailed)), on: .produce, count: 4))
            let batch = try await EventRows.numbered(0..<30)
            try await deadline { try await publisher.deliverThroughHalts([batch]) }
            #expect(publisher.status == .flowing)
            await publisher.close()
            expectAll(try await kafka.readAll([topic]), 30)
            let reported = log.lines.filter { $0.contains("takes no records") }
            #expect(reported.count == 1 && reported[0].contains("Grant Write"), "\(log.lines)")
            #expect(log.lines.contains { $0.contains("takes records again") })
        }
    }

    @Test func `a topic that is missing halts until it is there`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = kafka.uniqueTopic()
            let log = CapturedLog()
            let publisher = try kafka.publisher(topic, .mustExist, logger: log.logger)
            let batch = try await EventRows.numbered(0..<30)
            async let delivered: Void = deadline { try await publisher.deliverThroughHalts([batch]) }
            try await eventually("its absence is not reported") { publisher.status.name == .halted }
            try await kafka.createTopic(topic)
            try await delivered
            #expect(publisher.status == .flowing)
            await publisher.close()
            expectAll(try await kafka.readAll([topic]), 30)
            #expect(log.lines.count { $0.contains("takes no records") && $0.contains("Create the topic") } == 1)
        }
    }

    @Test func `an outage is waited out and said once`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 3)
            let log = CapturedLog()
            let publisher = try kafka.publisher(topic, .mustExist, logger: log.logger)
            try await publisher.deliver(try await EventRows.numbered(0..<50))
            await broker.takeDown()
            let publication = try await publisher.publish(try await EventRows.numbered(50..<100))
            try await eventually("the outage is not said") {
                log.lines.contains { $0.contains("cannot be reached") }
            }
            await broker.bringUp()
            try await deadline { try await publication.acknowledged() }
            await publisher.close()
            expectAll(try await kafka.readAll([topic]), 100)
            #expect(log.lines.count { $0.contains("cannot be reached") } == 1)
            #expect(log.lines.count { $0.contains("reached again") } == 1)
        }
    }

    @Test func `an outage shows as long as something waits`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 3)
            let publisher = try kafka.publisher(topic, .mustExist)
            await broker.takeDown()
            async let prepared: Void = publisher.prepare()
            try await eventually("nothing shows while topics are prepared") { publisher.condition.isOutage }
            await broker.bringUp()
            try await prepared
            #expect(publisher.condition == .flowing)
            try await publisher.deliver(try await EventRows.numbered(0..<50))
            await broker.takeDown()
            let publication = try await publisher.publish(try await EventRows.numbered(50..<100))
            try await eventually("nothing shows while records wait") { publisher.condition.isOutage }
            await broker.bringUp()
            try await deadline { try await publication.acknowledged() }
            #expect(publisher.condition == .flowing)
            await publisher.close()
        }
    }

    @Test func `an outage shows beside a halt`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let prefix = kafka.uniqueTopic()
            try await kafka.createTopic("\(prefix).context0", partitions: 1)
            let publisher = try kafka.publisher("\(prefix).{bounded_context}", .mustExist, allowed: ["*.context0"])
            let first = try await EventRows.batch(
                EventRows.sql("g", rows: 1...2, context: "CASE WHEN g = 2 THEN 'other' ELSE 'context0' END"),
                segment: { Int($0.globalPosition) % 2 })
            #expect(try await publisher.publish(first).outcome().halts.map(\.position) == [2])
            await broker.takeDown()
            let later = try await publisher.publish(
                EventRows.batch(EventRows.sql("g", rows: 3...3), segment: { _ in 1 }))
            try await eventually("the outage does not show") {
                // What keeps everything from moving comes first.
                guard case .waiting(let reason) = publisher.condition else { return false }
                return reason.contains("no Kafka broker answers") && reason.contains("; besides, ")
                    && reason.contains("topics_allowed")
            }
            await broker.bringUp()
            _ = try await deadline { try await later.outcome() }
            await publisher.close()
        }
    }

    @Test func `closing releases what waits`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let publisher = try kafka.publisher(topic, .mustExist)
            try await publisher.deliver(try await EventRows.numbered(0..<5))
            await broker.takeDown()
            let publication = try await publisher.publish(try await EventRows.numbered(5..<10))
            let waiting = Task { try await publication.acknowledged() }
            await publisher.close()
            let error = await #expect(throws: DeliveryError.self) { try await waiting.value }
            #expect(error == .closed)
            await #expect(throws: DeliveryError.self) {
                _ = try await publisher.publish(try await EventRows.numbered(10..<11))
            }
        }
    }

    @Test func `a stuck producer is replaced`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let log = CapturedLog()
            let publisher = try kafka.publisher(
                topic, .mustExist, stallLimit: .milliseconds(200), logger: log.logger)
            try await publisher.deliver(try await EventRows.numbered(0..<5))
            // Connected, but silent for longer than the watchdog allows.
            await broker.freeze()
            let publication = try await publisher.publish(try await EventRows.numbered(5..<10))
            try await eventually("the watchdog does not bite") { log.lines.contains { $0.contains("for too long") } }
            await broker.thaw()
            try await deadline { try await publication.acknowledged() }
            await publisher.close()
            expectAll(try await kafka.readAll([topic]), 10)
        }
    }
}
