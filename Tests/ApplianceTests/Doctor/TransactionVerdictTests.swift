import KafkaBridge
import Testing

@testable import Appliance

@Suite struct TransactionVerdictTests {
    private let topic: TopicName

    init() throws { topic = try TopicName(sanitizing: "godwit.progress.identity") }

    private var good: TransactionFacts {
        var progress = KafkaFacts.Topic(name: topic.description)
        progress.partitions = 8
        progress.replicationFactor = 3
        progress.settings = ["cleanup.policy": "compact", "min.insync.replicas": "2"]
        var facts = TransactionFacts(brokerCount: 3)
        facts.trial = .possible
        facts.progress = [progress]
        facts.brokers = (1...3).map { id in
            .init(
                id: id,
                settings: [
                    "transaction.max.timeout.ms": "900000", "transaction.state.log.replication.factor": "3",
                    "transaction.state.log.min.isr": "2",
                ])
        }
        facts.state = KafkaFacts.Topic(
            name: "__transaction_state", partitions: 50, replicationFactor: 3, settings: ["min.insync.replicas": "2"])
        return facts
    }

    private func findings(creates: Bool = false, _ change: (inout TransactionFacts) -> Void) -> [Finding] {
        var facts = good
        change(&facts)
        var kafka = KafkaFacts()
        kafka.transactions = facts
        var verdict = KafkaVerdict(
            bootstrapServers: "kafka:9092", maximumRecordBytes: nil, createsTopics: creates, partitions: [:],
            sendsPasswordInClear: false)
        verdict.transactions = TransactionVerdict(
            bootstrapServers: "kafka:9092", createsTopics: creates,
            plan: TransactionPlan(
                idPrefix: "shop", timeout: .seconds(30), consumers: ["identity", "billing"],
                progressTopics: [topic: 8]))
        return verdict.findings(kafka)
    }

    @Test func `a cluster with all that exactly-once delivery needs has no findings`() {
        #expect(findings { _ in }.isEmpty)
    }

    private typealias Case = (
        check: String, severity: Finding.Severity, remedy: String, change: (inout TransactionFacts) -> Void
    )

    private func check(_ cases: [Case]) {
        for (check, severity, remedy, change) in cases {
            let found = findings(change)
            #expect(found.count == 1, "\(check): \(found)")
            #expect(found.first?.check == check && found.first?.severity == severity, "\(found)")
            #expect(found.first?.remedy?.contains(remedy) == true, "\(found)")
        }
    }

    @Test func `each flaw of the progress topic is one finding, with its remedy`() {
        check([
            (
                "progress_topic", .error, "--partitions 8 --replication-factor 3 --config cleanup.policy=compact",
                { $0.progress[0].access = .absent }
            ),
            ("acl", .error, "--operation Read --operation Write", { $0.progress[0].access = .forbidden }),
            ("acl", .note, "DescribeConfigs --topic", { $0.progress[0].settings = nil }),
            ("progress_partitions", .error, "--alter --topic", { $0.progress[0].partitions = 7 }),
            (
                "progress_cleanup", .error, "cleanup.policy=compact",
                { $0.progress[0].settings?["cleanup.policy"] = "delete" }
            ),
            (
                "progress_cleanup", .error, "cleanup.policy=compact",
                { $0.progress[0].settings?["cleanup.policy"] = "compact,delete" }
            ),
            ("progress_replication", .warning, "3 replicas", { $0.progress[0].replicationFactor = 1 }),
            (
                "min_insync", .warning, "min.insync.replicas=2",
                { $0.progress[0].settings?["min.insync.replicas"] = "1" }
            ),
        ])
    }

    @Test func `each flaw of brokers and rights is one finding, with its remedy`() {
        check([
            (
                "transaction_timeout", .error, "kafka.transaction_timeout: 20s",
                { $0.brokers[1].settings?["transaction.max.timeout.ms"] = "20000" }
            ),
            // Where the settings may not be read, the trial finds it.
            ("transaction_timeout", .error, "transaction.max.timeout.ms=30000", { $0.trial = .timeoutTooLong }),
            (
                "transactional_id", .error, "--transactional-id shop- --resource-pattern-type prefixed",
                { $0.trial = .forbidden(["identity", "billing"]) }
            ),
            (
                "transactional_id", .error, "--transactional-id shop-billing- --resource",
                { $0.trial = .forbidden(["billing"]) }
            ),
            ("transactions", .error, "0.11", { $0.trial = .unsupported("no InitProducerId") }),
            ("transactions", .error, "__transaction_state", { $0.trial = .unanswered("no coordinator") }),
            ("transaction_state", .warning, "kafka-reassign-partitions.sh", { $0.state.replicationFactor = 1 }),
            (
                "transaction_state", .warning, "min.insync.replicas=2",
                { $0.state.settings?["min.insync.replicas"] = "1" }
            ),
            (
                "acl", .note, "DescribeConfigs --cluster",
                { facts in
                    facts.state.access = .forbidden
                    facts.state.settings = nil
                    for index in facts.brokers.indices { facts.brokers[index].settings = nil }
                }
            ),
        ])
        #expect(findings { $0.trial = .refused("for a reason") }.map(\.severity) == [.error])
    }

    @Test func `before the first transaction the settings say how its states will be kept`() {
        for (name, value) in [
            ("transaction.state.log.replication.factor", "1"), ("transaction.state.log.min.isr", "1"),
        ] {
            let found = findings { facts in
                facts.state = KafkaFacts.Topic(name: "__transaction_state", access: .absent)
                for index in facts.brokers.indices { facts.brokers[index].settings?[name] = value }
            }
            #expect(found.map(\.check) == ["transaction_state"])
            #expect(found.first?.remedy?.contains("set \(name)=") == true, "\(found)")
        }
    }

    @Test func `a transaction that no configuration makes short enough needs other brokers' settings`() {
        let found = findings { $0.brokers[0].settings?["transaction.max.timeout.ms"] = "1000" }
        #expect(found.map(\.check) == ["transaction_timeout"])
        #expect(found.first?.remedy?.contains("kafka.transaction_timeout") == false, "\(found)")
    }

    @Test func `one broker has one replica of everything`() {
        let found = findings { facts in
            facts.brokerCount = 1
            facts.progress[0].replicationFactor = 1
            facts.progress[0].settings?["min.insync.replicas"] = "1"
            facts.state.replicationFactor = 1
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test func `a topic that will be created is worth a note, one that cannot be is an error`() {
        #expect(findings(creates: true) { $0.progress[0].access = .absent }.map(\.severity) == [.note])
        let refused = findings(creates: true) {
            $0.progress[0].access = .absent
            $0.progress[0].creationRefusal = "no right"
        }
        #expect(refused.map(\.severity) == [.error])
        #expect(refused.first?.message.contains("no right") == true)
    }

    @Test func `where a broker is out of reach, what was not asked is not reported`() {
        let found = findings { facts in
            facts.trial = nil
            facts.brokers = []
            facts.progress[0].settings = [:]
            facts.state = KafkaFacts.Topic(name: "__transaction_state", access: .absent)
        }
        #expect(found.isEmpty, "\(found)")
    }
}
