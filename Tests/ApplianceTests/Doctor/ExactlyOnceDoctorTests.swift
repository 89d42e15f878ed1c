import Kafka
import KafkaBridge
import KafkaTestBroker
import TestSupport
import Testing

@testable import Appliance

/// `godwit doctor` and `status` for a consumer that delivers exactly once.
@Suite(.onEmbeddedBroker) struct ExactlyOnceDoctorTests {
    private static let exactlyOnce = ["GODWIT_CONSUMERS_IDENTITY_DELIVERY": "exactly_once"]
    private static let progressTopic = "godwit.progress.identity"

    private func severities(_ place: RelayFixture, _ more: [String: String] = [:]) async throws -> [String: String] {
        let environment = place.variables.merging(Self.exactlyOnce) { $1 }.merging(more) { $1 }
        let result = try await Command.godwit("doctor", "--json", environment: environment).run()
        guard case .array(let items) = try JSONParser.parse(result.standardOutput)["findings"] else {
            throw Failure(.internalError, "no findings: \(result.standardError)")
        }
        var found: [String: String] = [:]
        for item in items {
            if case .string(let check) = item["check"], case .string(let severity) = item["severity"] {
                found[check] = severity
            }
        }
        #expect(result.exitCode == (found.values.contains("error") ? 4 : 0), "\(result.standardOutput)")
        return found
    }

    /// A broker of the test's own.
    private func withBroker(
        _ change: (inout BrokerConfiguration) -> Void, _ body: (RelayFixture, KafkaTestBroker) async throws -> Void
    ) async throws {
        var configuration = BrokerConfiguration()
        configuration.autoCreateTopics = false
        change(&configuration)
        let broker = try await KafkaTestBroker.start(configuration)
        do {
            try await RelayFixture.with(TestKafka(bootstrapServers: broker.bootstrapServers)) { place in
                try await body(place, broker)
            }
        } catch {
            await broker.stop()
            throw error
        }
        await broker.stop()
    }

    private func createProgressTopic(
        _ place: RelayFixture, partitions: Int, cleanup: String
    ) async throws {
        let specification = TopicSpecification(
            Self.progressTopic, partitions: partitions, settings: ["cleanup.policy": cleanup])
        try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
            if let failure = try await admin.createTopics([specification])[Self.progressTopic] ?? nil { throw failure }
        }
        try await eventually("the topic does not show") {
            try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
                try await admin.describeTopics([Self.progressTopic])[0].partitionCount == partitions
            }
        }
    }

    @Test func `an absent progress topic is an error, unless it will be created; a fit one is none`() async throws {
        try await withBroker({ _ in }) { place, _ in
            #expect(try await severities(place)["progress_topic"] == "error")
            let created = try await severities(place, ["GODWIT_KAFKA_TOPICS_CREATE": "true"])
            #expect(created["progress_topic"] == "note" && !created.values.contains("error"), "\(created)")
            try await createProgressTopic(place, partitions: 4, cleanup: "compact")
            let fit = try await severities(place)
            #expect(!fit.values.contains("error"), "\(fit)")
            #expect(fit.keys.filter { $0.hasPrefix("progress") || $0.hasPrefix("transaction") }.isEmpty, "\(fit)")

            let environment = place.variables.merging(Self.exactlyOnce) { $1 }
            let json = try await Command.godwit("status", "--json", environment: environment).run().standardOutput
            guard case .array(let consumers)? = try JSONParser.parse(json)["consumers"] else {
                throw Failure(.internalError, json)
            }
            #expect(consumers.map { $0["guarantee"] } == ["exactly_once"], "\(json)")
            let text = try await Command.godwit("status", environment: environment).run().standardOutput
            #expect(text.contains("delivery: exactly once for identity"), "\(text)")
            let other = try await Command.godwit("status", environment: place.variables).run().standardOutput
            #expect(!other.contains("exactly once"), "\(other)")
        }
    }

    @Test func `what is wrong with topic, replicas and time-out is found on a cluster`() async throws {
        try await withBroker({
            $0.nodes = 3
            $0.transactionStateReplicationFactor = 1
            $0.maxTransactionTimeoutMilliseconds = 20_000
        }) { place, _ in
            try await createProgressTopic(place, partitions: 2, cleanup: "delete")
            let found = try await severities(place)
            #expect(found["progress_partitions"] == "error", "\(found)")
            #expect(found["progress_cleanup"] == "error", "\(found)")
            // The embedded broker has each topic on all nodes.
            #expect(found["min_insync"] == "warning", "\(found)")
            #expect(found["transaction_timeout"] == "error", "\(found)")
            #expect(found["transaction_state"] == "warning", "\(found)")
            #expect(found["transactions"] == nil && found["transactional_id"] == nil, "\(found)")
            let shorter = try await severities(place, ["GODWIT_KAFKA_TRANSACTION_TIMEOUT": "20s"])
            #expect(shorter["transaction_timeout"] == nil, "\(shorter)")
        }
    }

    @Test func `a right to transactional ids that is missing is an error; one for the consumer's is enough`()
        async throws
    {
        try await withBroker({ _ in }) { place, broker in
            try await createProgressTopic(place, partitions: 4, cleanup: "compact")
            let refusal = Fault.Action.refuse(.transactionalIDAuthorizationFailed)
            await broker.inject(Fault(refusal, on: .initProducerID, transactionalID: "godwit-doctor"))
            #expect(try await severities(place)["transactional_id"] == nil)
            await broker.inject(Fault(refusal, on: .initProducerID, transactionalID: "godwit-identity-doctor"))
            #expect(try await severities(place)["transactional_id"] == "error")
            await broker.removeAllFaults()
            await broker.inject(Fault(refusal, on: .findCoordinator))
            #expect(try await severities(place)["transactional_id"] == "error")
        }
    }

    @Test func `a trial ends in time, and says what was in its way`() async throws {
        try await withBroker({ $0.maxTransactionTimeoutMilliseconds = 20_000 }) { place, broker in
            func trial(_ timeout: Duration) async -> TransactionFacts.Trial {
                let plan = TransactionPlan(
                    idPrefix: "godwit", timeout: timeout, consumers: ["identity"], progressTopics: [:])
                return await TransactionTrial(client: place.kafka.client(), plan: plan, limit: .milliseconds(500)).run()
            }
            #expect(await trial(.seconds(20)) == .possible)
            #expect(await trial(.seconds(30)) == .timeoutTooLong)
            await broker.inject(Fault(.refuse(.coordinatorNotAvailable), on: .findCoordinator))
            let start = ContinuousClock.now
            guard case .unanswered(let reason) = await trial(.seconds(20)) else {
                Issue.record("it was answered")
                return
            }
            // A call that is under way may take two seconds, and the end of the client as long.
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(!reason.isEmpty)
        }
    }
}
