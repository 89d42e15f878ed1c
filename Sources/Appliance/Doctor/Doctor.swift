import EventSourcing
import Kafka
import KafkaBridge
import Postgres

/// Examines what a configuration names: the database, the brokers, the topics. It changes nothing.
package struct Doctor: Sendable {
    private let configuration: Configuration
    private let warnings: [ConfigurationProblem]

    /// - Parameter warnings: what was doubtful when the configuration was read.
    package init(_ configuration: Configuration, warnings: [ConfigurationProblem] = []) {
        self.configuration = configuration
        self.warnings = warnings
    }

    package func examine() async -> DoctorReport {
        async let database = database()
        async let kafka = kafka()
        return DoctorReport(parts: [settings, await database, await kafka])
    }

    private var settings: DoctorReport.Part {
        let count = configuration.consumers.count
        var part = DoctorReport.Part(name: "configuration", place: count == 1 ? "1 consumer" : "\(count) consumers")
        // The part of Kafka shows these itself.
        let others = warnings.filter { $0.code != .brokersUnverified && $0.code != .passwordInClear }
        part.findings = others.map { .warning($0.code.rawValue, $0.description, $0.code.fix) }
        return part
    }

    private func database() async -> DoctorReport.Part {
        let section = configuration.database
        var part = DoctorReport.Part(name: "database", place: section.connection?.redactedDescription ?? "")
        do {
            let facts = try await DatabaseExamination(
                database: section, scopes: configuration.scopes, channel: configuration.notify.channel
            ).take()
            let verdict = DatabaseVerdict(
                tables: section.tables, latestVersion: Schema(section.tables).latestVersion,
                notify: configuration.notify.mode,
                segments: Dictionary(configuration.consumers.map { ($0.name, $0.totalSegments) }) { first, _ in first },
                sessionNeed: configuration.sessionNeed)
            part.findings = verdict.findings(facts)
            part.summary = "PostgreSQL \(facts.serverVersion / 10_000) as \(facts.role); \(verdict.wakeup(facts))"
        } catch {
            part.findings = [.error("database", Failure(error).message, "look at database.url and the network")]
        }
        return part
    }

    private func kafka() async -> DoctorReport.Part {
        let section = configuration.kafka
        var part = DoctorReport.Part(name: "kafka", place: section.bootstrapServers)
        var partitions: [String: Int] = [:]
        for consumer in configuration.consumers {
            for topic in consumer.fixedTopics {
                if case .create(let count, _, _) = section.topics {
                    partitions[topic.description] = count
                } else {
                    partitions[topic.description] = consumer.totalSegments
                }
            }
        }
        do {
            let facts = try await KafkaExamination(
                client: section.client("godwit-doctor"), topics: partitions.keys.sorted(), policy: section.topics
            ).take()
            let verdict = KafkaVerdict(
                bootstrapServers: section.bootstrapServers, maximumRecordBytes: section.maximumRecordBytes ?? 1_000_000,
                createsTopics: section.topics != .mustExist, partitions: partitions,
                sendsPasswordInClear: section.sendsPasswordInClear,
                isUnverified: !PropertyRule.trustsAnyBroker(section.properties).isEmpty)
            part.findings = verdict.findings(facts)
            part.summary = facts.brokerCount == 1 ? "1 broker" : "\(facts.brokerCount) brokers"
        } catch {
            part.findings = [
                .error("kafka", Failure(error).message, "look at kafka.bootstrap_servers, kafka.tls and kafka.sasl")
            ]
        }
        part.findings += configuration.consumers.compactMap(\.unnamedEvents)
        return part
    }
}

extension ConsumerSection {
    /// What follows where records do not say which events they carry.
    var unnamedEvents: Finding? {
        guard route?.namesEvents == false else { return nil }
        return .note(
            "headers",
            "records of the consumer \(name) do not say which events they carry: readers cannot tell a repeated one, and "
                + "`godwit verify` cannot compare",
            "set consumers.\(name).headers to minimal, or to a list with event_id")
    }
}
