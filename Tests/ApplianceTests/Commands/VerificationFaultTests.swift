import EventSourcing
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

@testable import Appliance
@testable import KafkaBridge

/// `verify` beside brokers that answer with errors: what it says is right, or it says that it could not tell.
@Suite struct VerificationFaultTests {
    static let requests: [RequestKind] = [.metadata, .listOffsets, .fetch, .describeConfigs]

    static let errors = [
        "UNKNOWN_SERVER_ERROR", "OFFSET_OUT_OF_RANGE", "CORRUPT_MESSAGE", "UNKNOWN_TOPIC_OR_PARTITION",
        "LEADER_NOT_AVAILABLE", "NOT_LEADER_OR_FOLLOWER", "REQUEST_TIMED_OUT", "BROKER_NOT_AVAILABLE",
        "REPLICA_NOT_AVAILABLE", "NETWORK_EXCEPTION", "COORDINATOR_NOT_AVAILABLE", "TOPIC_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED", "UNSUPPORTED_VERSION", "NOT_CONTROLLER", "INVALID_REQUEST",
        "KAFKA_STORAGE_ERROR", "FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH",
    ]

    /// Events in a topic of three partitions, one of them missing; gives its position.
    private func withHole(
        _ body: (_ place: RelayFixture, _ broker: KafkaTestBroker, _ verification: Verification) async throws -> Void
    ) async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                _ = try await place.append(24)
                let source = try await place.kafka.makeTopic("source", partitions: 3)
                _ = try await place.report(
                    ["catch-up", "identity"], ["GODWIT_CONSUMERS_IDENTITY_TOPIC": source])
                let records = try await kafka.readAll([source]).filter { $0.header("global_position") != "7" }
                let topic = try await kafka.makeTopic("holed", partitions: 3)
                try await HandWritten.write(records, to: topic, of: kafka)
                var options = Verification.Options()
                options.transactionPatience = .zero
                (options.answerPatience, options.silence) = (.seconds(2), .seconds(1))
                let verification = try Verification(
                    consumer: "identity", route: Route(topic: TopicTemplate(topic)),
                    client: kafka.client(["socket.timeout.ms": "1000"]),
                    database: try place.test.configuration, tables: place.test.tables,
                    options: options, logger: quiet)
                try await body(place, broker, verification)
            }
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(3)), arguments: requests)
    func `an error of one request makes nothing missing, and nothing right`(request: RequestKind) async throws {
        try await withHole { _, broker, verification in
            func check(_ what: String) async throws -> Bool {
                do {
                    let result = try await verification.run(EventSelection(scope: .all), after: 0, through: 24)
                    // Whether the topic is compacted may be what it cannot see.
                    if request == .describeConfigs, result.report.verdict(allowingDoubles: false) == .unproven {
                        #expect(result.report[.unproven].examples.map(\.position) == [7] && result.missing.isEmpty)
                        return true
                    }
                    #expect(
                        result.missing == [7] && result.report.delivered == 23
                            && result.report.verdict(allowingDoubles: false) == .wrong, "\(what): \(result.report)")
                    return true
                } catch is KafkaError {
                    // It says that it cannot tell.
                    return false
                }
            }
            #expect(try await check("no fault"))
            var answered = 0
            for name in Self.errors {
                let code = try #require(KafkaErrorCode.named[name])
                for partition in [nil, 1] as [Int32?] where partition == nil || request != .describeConfigs {
                    let fault = await broker.inject(
                        Fault(.refuse(code), on: request, partition: request == .metadata ? nil : partition, count: 1))
                    if try await check("\(request) \(name) \(partition ?? -1)") { answered += 1 }
                    await broker.removeFault(fault)
                }
            }
            for action in [Fault.Action.disconnect, .dropAnswer, .disconnectMidFrame, .delay(.milliseconds(300))] {
                for skip in 0..<3 {
                    let fault = await broker.inject(Fault(action, on: request, skip: skip, count: 1))
                    if try await check("\(request) \(action)") { answered += 1 }
                    await broker.removeFault(fault)
                }
            }
            // Most pass by themselves, and are asked again.
            #expect(answered > Self.errors.count, "\(answered)")
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `an offset that is gone has the topics read again`() async throws {
        try await withHole { _, broker, verification in
            let code = try #require(KafkaErrorCode.named["OFFSET_OUT_OF_RANGE"])
            await broker.inject(Fault(.refuse(code), on: .fetch, partition: 0, count: 1))
            let result = try await verification.run(EventSelection(scope: .all), after: 0, through: 24)
            #expect(result.missing == [7] && result.report.delivered == 23)
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `errors that stay are said, and nothing is repaired`() async throws {
        try await withHole { place, broker, verification in
            for request in [RequestKind.listOffsets, .fetch] {
                for name in ["LEADER_NOT_AVAILABLE", "FENCED_LEADER_EPOCH", "UNKNOWN_SERVER_ERROR"] {
                    let code = try #require(KafkaErrorCode.named[name])
                    let fault = await broker.inject(Fault(.refuse(code), on: request, partition: 1))
                    await #expect(throws: KafkaError.self, "\(request) \(name)") {
                        try await deadline(.seconds(60)) {
                            try await verification.run(EventSelection(scope: .all), after: 0, through: 24)
                        }
                    }
                    await broker.removeFault(fault)
                }
            }
        }
    }
}
