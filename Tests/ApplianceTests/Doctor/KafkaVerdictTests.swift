import Testing

@testable import Appliance

@Suite struct KafkaVerdictTests {
    private func findings(
        creates: Bool = false, inClear: Bool = false, _ change: (inout KafkaFacts.Topic) -> Void
    ) -> [Finding] {
        var topic = KafkaFacts.Topic(name: "identity")
        topic.partitions = 6
        topic.replicationFactor = 3
        topic.settings = ["max.message.bytes": "1048588", "min.insync.replicas": "2", "cleanup.policy": "delete"]
        change(&topic)
        var facts = KafkaFacts()
        facts.topics = [topic]
        return verdict(creates: creates, inClear: inClear).findings(facts)
    }

    private func verdict(creates: Bool = false, inClear: Bool = false) -> KafkaVerdict {
        KafkaVerdict(
            bootstrapServers: "kafka:9092", maximumRecordBytes: 1_000_000, createsTopics: creates,
            partitions: ["identity": 6], sendsPasswordInClear: inClear)
    }

    @Test func `a topic that has other settings than are configured is told, all of them at once`() throws {
        var topic = KafkaFacts.Topic(name: "identity")
        topic.partitions = 6
        topic.replicationFactor = 3
        topic.settings = [
            "min.insync.replicas": "2", "cleanup.policy": "compact,delete", "retention.ms": "1",
            "max.message.bytes": "1048588",
        ]
        var facts = KafkaFacts()
        facts.topics = [topic]
        var verdict = verdict()
        verdict.settings = ["identity": ["cleanup.policy": "delete, compact", "min.insync.replicas": "2"]]
        // Compaction that is asked for is no surprise, nor is the order of a list.
        #expect(verdict.findings(facts).isEmpty)
        verdict.settings = ["identity": ["cleanup.policy": "compact", "retention.ms": "7", "retention.mss": "7"]]
        let found = verdict.findings(facts)
        try #require(found.map(\.check) == ["topic_settings"])
        #expect(found[0].message.contains("retention.ms is 1, not 7; retention.mss is no setting that it has"))
        #expect(found[0].remedy?.hasSuffix("--add-config cleanup.policy=compact,retention.ms=7") == true)
    }

    @Test func `a topic with all that is needed has no findings`() {
        #expect(findings { _ in }.isEmpty)
    }

    @Test func `each flaw is one finding, with what fixes it`() {
        typealias Case = (
            check: String, severity: Finding.Severity, remedy: String, change: (inout KafkaFacts.Topic) -> Void
        )
        let cases: [Case] = [
            ("topic", .error, "--create --topic identity --partitions 6", { $0.access = .absent }),
            ("acl", .error, "--operation Write", { $0.access = .forbidden }),
            ("acl", .note, "DescribeConfigs", { $0.settings = nil }),
            (
                "max_message_bytes", .error, "kafka.max_record_bytes: 1000",
                { $0.settings?["max.message.bytes"] = "1000" }
            ),
            ("min_insync", .warning, "min.insync.replicas=2", { $0.settings?["min.insync.replicas"] = "4" }),
            ("min_insync", .warning, "min.insync.replicas=2", { $0.settings?["min.insync.replicas"] = "1" }),
            ("partitions", .warning, "--partitions 6", { $0.partitions = 3 }),
            ("compaction", .warning, "cleanup.policy=delete", { $0.settings?["cleanup.policy"] = "compact,delete" }),
        ]
        for (check, severity, remedy, change) in cases {
            let found = findings(change)
            #expect(found.count == 1, "\(found)")
            #expect(found.first?.check == check && found.first?.severity == severity, "\(found)")
            #expect(found.first?.remedy?.contains(remedy) == true, "\(found)")
        }
    }

    @Test func `a topic that will be created is worth a note, one that cannot be is an error`() {
        #expect(findings(creates: true) { $0.access = .absent }.map(\.severity) == [.note])
        let refused = findings(creates: true) {
            $0.access = .absent; $0.creationRefusal = "no right"
        }
        #expect(refused.map(\.severity) == [.error])
        #expect(refused.first?.message.contains("no right") == true)
    }

    @Test func `one replica is a note, and not two findings`() {
        let found = findings {
            $0.replicationFactor = 1; $0.settings?["min.insync.replicas"] = "1"
        }
        #expect(found.map(\.check) == ["replication"])
    }

    @Test func `a password in the clear and a broker out of reach are told`() {
        #expect(findings(inClear: true) { _ in }.map(\.check) == ["cleartext"])
        var unverified = verdict()
        unverified.isUnverified = true
        #expect(unverified.findings(KafkaFacts()).map(\.check) == ["unverified"])
        var facts = KafkaFacts()
        facts.unreachable = [.init(id: 2, address: "kafka-2:9092", reason: "the name is not known")]
        let found = verdict().findings(facts)
        #expect(found.map(\.check) == ["listener"])
        #expect(found.first?.message.contains("broker 2 says it is at kafka-2:9092") == true)
        #expect(found.first?.remedy?.contains("advertised.listeners") == true)
    }
}
