import Consumers
import Kafka
import KafkaTestBroker
import TestSupport
import Testing

@testable import KafkaBridge

/// What may become of the requests of a publisher that has several in flight.
@Suite(.onEmbeddedBroker) struct RequestFaultTests {
    /// Several requests for each batch, so that some are in flight behind the one that fails.
    private static let smallRequests = ["batch.num.messages": "20"]

    private static let refusals: [KafkaError.Code] = [
        .notLeader, .notEnoughReplicas, .notEnoughReplicasAfterAppend, .requestTimedOut, .storageError,
        .corruptMessage, .unknownTopicOrPartition, .topicAuthorizationFailed, .messageTooLarge, .invalidRecord,
        .outOfOrderSequence, .unknownProducerID, .unknown,
    ]

    /// What may become of a request: refused before anything is written, written but said to be refused, or unanswered.
    private static let actions: [Fault.Action] =
        refusals.map { .refuse(KafkaErrorCode($0)) } + refusals.map { .applyThenRefuse(KafkaErrorCode($0)) }
        + [.disconnect, .dropAnswer, .disconnectMidFrame]

    /// Every outcome, of the 1st, 2nd and 5th request: nothing is lost, and order is kept.
    @Test(arguments: actions, [1, 2, 5])
    func everyOutcomeIsSurvived(_ action: Fault.Action, _ request: Int) async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 2)
            let publisher = try kafka.publisher(topic, .mustExist, properties: Self.smallRequests)
            let fault = await broker.inject(Fault(action, on: .produce, skip: request - 1, count: 1))
            var publications: [Publication] = []
            for start in [0, 100, 200] {
                publications.append(
                    try await publisher.publish(try await EventRows.numbered(start..<(start + 100), aggregates: 7)))
            }
            let all = publications
            try await deadline { for publication in all { try await publication.acknowledged() } }
            await publisher.close()
            #expect(await broker.hits(ofFault: fault) == 1)
            let records = try await kafka.readAll([topic])
            expectAll(records, 300)
            // No more than what was under way comes twice.
            #expect(records.count <= 600)
        }
    }

    @Test func leadersThatMoveCostNothing() async throws {
        try await TestKafka.withBroker(nodes: 3) { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 3)
            let publisher = try kafka.publisher(topic, .mustExist, properties: Self.smallRequests)
            for round in 0..<9 {
                let publication = try await publisher.publish(
                    try await EventRows.numbered((round * 100)..<(round * 100 + 100)))
                #expect(await broker.moveLeader(ofTopic: topic, to: Int32(round % 3) + 1))
                try await deadline { try await publication.acknowledged() }
            }
            await publisher.close()
            let records = try await kafka.readAll([topic])
            expectAll(records, 900)
            #expect(records.count == 900)
        }
    }

    /// The broker forgets who wrote what; a batch whose answer was lost comes again, and it cannot know that.
    @Test func lostProducerStateDoublesAtMostWhatWasUnderWay() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 2)
            let publisher = try kafka.publisher(topic, .mustExist, properties: Self.smallRequests)
            try await publisher.deliver(try await EventRows.numbered(0..<100))
            for round in 1...5 {
                let fault = await broker.inject(Fault(.hang, on: .produce, count: 1))
                let publication = try await publisher.publish(
                    try await EventRows.numbered((round * 100)..<(round * 100 + 100)))
                // Written and not answered; what follows waits behind it.
                try await eventually("the request never came") { await broker.hits(ofFault: fault) == 1 }
                await broker.loseProducerState(topic: topic)
                await broker.disconnectAll()
                try await deadline { try await publication.acknowledged() }
            }
            await publisher.close()
            let records = try await kafka.readAll([topic])
            expectAll(records, 600)
            #expect(records.count > 600, "nothing came twice: the state was not lost")
            #expect(records.count <= 600 + 5 * 20, "one request each time")
        }
    }
}
