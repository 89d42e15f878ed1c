import Consumers
import Kafka
import Logging
import Synchronization
import Testing

@testable import KafkaBridge

@Suite(.enabled(if: Broker.realServers == nil, "injects faults, which GODWIT_TEST_KAFKA's brokers do not offer"))
struct PublisherFaultTests {
    /// One request at a time, since the mock cluster checks no sequences and would take later requests first.
    private static let oneAtATime = ["max.in.flight": "1", "batch.num.messages": "20"]

    private func expectAll(_ records: [ConsumedRecord], _ count: Int) {
        let positions = records.compactMap { $0.header("global_position") }
        #expect(Set(positions).count == count)
        expectOrder(records)
    }

    /// Every kind of answer, to the 1st, 2nd and 5th request: nothing is lost. Order cannot be tested here: the mock
    /// cluster takes the request behind a failed one, which a broker refuses by its sequence.
    @Test(
        arguments: [
            KafkaError.Code.notLeader, .notEnoughReplicas, .notEnoughReplicasAfterAppend, .requestTimedOut, .transport,
            .storageError, .corruptMessage, .unknownTopicOrPartition, .topicAuthorizationFailed, .messageTooLarge,
            .invalidRecord, .outOfOrderSequence, .unknownProducerID, .unknown,
        ], [1, 2, 5])
    func everyAnswerIsSurvived(_ code: KafkaError.Code, _ request: Int) async throws {
        let broker = try Broker(properties: Self.oneAtATime)
        let topic = broker.uniqueTopic()
        try broker.mock?.createTopic(topic, partitions: 2)
        let publisher = try broker.publisher(topic, .mustExist)
        broker.mock?.pushErrors(Array(repeating: .none, count: request - 1) + [code], for: .produce)
        var publications: [Publication] = []
        for start in [0, 100, 200] {
            publications.append(
                try await publisher.publish(try await EventRows.numbered(start..<(start + 100), aggregates: 7)))
        }
        let all = publications
        try await deadline { for publication in all { try await publication.acknowledged() } }
        await publisher.close()
        let records = try await broker.readAll(topic)
        #expect(Set(records.compactMap { $0.header("global_position") }).count == 300)
        // No more than what was under way comes twice.
        #expect(records.count <= 600)
    }

    @Test func aRecordRejectedAloneHaltsBehindAllBeforeIt() async throws {
        let broker = try Broker(properties: Self.oneAtATime)
        let topic = broker.uniqueTopic()
        try broker.mock?.createTopic(topic, partitions: 1)
        let publisher = try broker.publisher(topic, .mustExist)
        try await publisher.deliver(try await EventRows.numbered(0..<10))
        broker.mock?.pushErrors(Array(repeating: .invalidRecord, count: 50), for: .produce)
        let publication = try await publisher.publish(try await EventRows.numbered(10..<20))
        let halted = try await deadline {
            await #expect(throws: PublicationHalted.self) { try await publication.acknowledged() }
        }
        #expect(halted?.position == 11)
        #expect(halted?.acknowledgedThrough == 10)
        #expect(halted?.reason.contains("INVALID_RECORD") == true)
        await publisher.close()
        broker.mock?.clearErrors(for: .produce)
        expectAll(try await broker.readAll(topic), 10)
    }

    @Test func aMissingRightIsWaitedForAndSaidOnce() async throws {
        let broker = try Broker(properties: Self.oneAtATime)
        let topic = broker.uniqueTopic()
        try broker.mock?.createTopic(topic, partitions: 1)
        let log = CapturedLog()
        let publisher = try broker.publisher(topic, .mustExist, logger: log.logger)
        broker.mock?.pushErrors(Array(repeating: .topicAuthorizationFailed, count: 4), for: .produce)
        let publication = try await publisher.publish(try await EventRows.numbered(0..<30))
        try await deadline { try await publication.acknowledged() }
        #expect(publisher.status == .flowing)
        await publisher.close()
        expectAll(try await broker.readAll(topic), 30)
        let said = log.lines.filter { $0.contains("refused") }
        #expect(said.count == 1)
        #expect(said.first?.contains("`\(topic)`") == true)
        #expect(said.first?.contains("Grant Write") == true)
        #expect(log.lines.contains { $0.contains("delivery goes on") })
    }

    @Test func aTopicThatIsMissingIsWaitedForAndSaidOnce() async throws {
        let broker = try Broker()
        let topic = broker.uniqueTopic()
        broker.mock?.setError(.unknownTopicOrPartition, topic: topic)
        let log = CapturedLog()
        let publisher = try broker.publisher(topic, .mustExist, logger: log.logger)
        async let published = publisher.publish(try await EventRows.numbered(0..<30))
        try await deadline { while publisher.status == .flowing { await Task.yield() } }
        broker.mock?.setError(nil, topic: topic)
        let publication = try await published
        try await deadline { try await publication.acknowledged() }
        await publisher.close()
        expectAll(try await broker.readAll(topic), 30)
        #expect(log.lines.count { $0.contains("`\(topic)`") && $0.contains("Create the topic") } == 1)
    }

    @Test func anOutageIsWaitedOutAndSaidOnce() async throws {
        let broker = try Broker()
        let topic = broker.uniqueTopic()
        try broker.mock?.createTopic(topic, partitions: 3)
        let log = CapturedLog()
        let publisher = try broker.publisher(topic, .mustExist, logger: log.logger)
        try await publisher.deliver(try await EventRows.numbered(0..<50))
        try broker.mock?.takeDown(broker: 1)
        let publication = try await publisher.publish(try await EventRows.numbered(50..<100))
        try await deadline {
            while !log.lines.contains(where: { $0.contains("cannot be reached") }) { await Task.yield() }
        }
        try broker.mock?.bringUp(broker: 1)
        try await deadline { try await publication.acknowledged() }
        await publisher.close()
        expectAll(try await broker.readAll(topic), 100)
        #expect(log.lines.count { $0.contains("cannot be reached") } == 1)
        #expect(log.lines.count { $0.contains("reached again") } == 1)
    }

    @Test func closingTellsWhoWaits() async throws {
        let broker = try Broker()
        let topic = broker.uniqueTopic()
        try broker.mock?.createTopic(topic, partitions: 1)
        let publisher = try broker.publisher(topic, .mustExist)
        try await publisher.deliver(try await EventRows.numbered(0..<5))
        try broker.mock?.takeDown(broker: 1)
        let publication = try await publisher.publish(try await EventRows.numbered(5..<10))
        let waiting = Task { try await publication.acknowledged() }
        await publisher.close()
        let error = await #expect(throws: DeliveryError.self) { try await waiting.value }
        #expect(error == .closed)
        await #expect(throws: DeliveryError.self) {
            _ = try await publisher.publish(try await EventRows.numbered(10..<11))
        }
    }

    @Test func aStuckProducerIsReplaced() async throws {
        let broker = try Broker()
        let topic = broker.uniqueTopic()
        try broker.mock?.createTopic(topic, partitions: 1)
        let log = CapturedLog()
        var options = KafkaPublisherOptions(
            name: "test", client: broker.client, route: Route(topic: try TopicTemplate(topic)))
        options.stallLimit = .milliseconds(200)
        let publisher = KafkaPublisher(options, logger: log.logger)
        try await publisher.deliver(try await EventRows.numbered(0..<5))
        // Connected, but silent for longer than the watchdog allows.
        try broker.mock?.setRoundTrip(.seconds(30), broker: 1)
        let publication = try await publisher.publish(try await EventRows.numbered(5..<10))
        try await deadline { while !log.lines.contains(where: { $0.contains("for too long") }) { await Task.yield() } }
        try broker.mock?.setRoundTrip(.zero, broker: 1)
        try await deadline { try await publication.acknowledged() }
        await publisher.close()
        expectAll(try await broker.readAll(topic), 10)
    }
}

/// Whoever hands batches over may be cancelled at any time, and hand them over again later.
@Suite(.enabled(if: Broker.realServers == nil, "takes brokers down, which GODWIT_TEST_KAFKA's do not offer"))
struct PublisherCancellationTests {
    @Test func whatWasCancelledIsForgottenAndTakenAgain() async throws {
        let broker = try Broker(properties: ["queue.buffering.max.messages": "10"])
        let topic = broker.uniqueTopic()
        try broker.mock?.createTopic(topic, partitions: 1)
        let publisher = try broker.publisher(topic, .mustExist)
        try await publisher.deliver(try await EventRows.numbered(0..<5))
        try broker.mock?.takeDown(broker: 1)
        // Fills the queue, so that feeding waits.
        let first = try await EventRows.numbered(5..<105)
        let second = try await EventRows.numbered(105..<110)
        let publishing = Task { try await publisher.publish(first) }
        try await deadline { while await publisher.queueLength < 10 { await Task.yield() } }
        publishing.cancel()
        await #expect(throws: CancellationError.self) { try await deadline { try await publishing.value } }
        try broker.mock?.bringUp(broker: 1)
        let again = try await deadline { try await publisher.publish(first) }
        let later = try await deadline { try await publisher.publish(second) }
        try await deadline { try await again.acknowledged() }
        try await deadline { try await later.acknowledged() }
        await publisher.close()
        let records = try await broker.readAll(topic)
        #expect(Set(records.compactMap { $0.header("global_position") }).count == 110)
        expectOrder(records)
    }

    @Test func aCancelledAcknowledgementLeavesTheOthersAlone() async throws {
        let broker = try Broker()
        let topic = broker.uniqueTopic()
        try broker.mock?.createTopic(topic, partitions: 2)
        let publisher = try broker.publisher(topic, .mustExist)
        try await publisher.deliver(try await EventRows.numbered(0..<5))
        try broker.mock?.takeDown(broker: 1)
        let first = try await publisher.publish(try await EventRows.numbered(5..<50))
        let second = try await publisher.publish(try await EventRows.numbered(50..<100))
        let waiting = Task { try await first.acknowledged() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await deadline { try await waiting.value } }
        try broker.mock?.bringUp(broker: 1)
        try await deadline { try await second.acknowledged() }
        await publisher.close()
        let records = try await broker.readAll(topic)
        #expect(records.count == 100)
        expectOrder(records)
    }
}
