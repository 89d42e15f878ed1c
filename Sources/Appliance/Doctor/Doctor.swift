import EventSourcing
import Kafka
import KafkaBridge
import Postgres

/// Examines what a configuration names: the database, the brokers, the topics. It changes nothing; of transactions it
/// tries one that delivers nothing.
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
        let parts = [settings, await database, await kafka]
        // Not at the same time: the role may have few sessions left.
        var standing = await relaying()
        // What is wrong with the source is reported once, by what has examined it.
        let isSourceWrong = parts.contains { $0.name == "database" && $0.findings.contains { $0.severity == .error } }
        let ofSource = [HealthIssue.Kind.sourceRefused, .heldBack].map(\.code) + ["status"]
        let found = standing.findings.count
        if isSourceWrong { standing.findings.removeAll { ofSource.contains($0.check) } }
        // What cannot be seen is not well.
        let isUnseen = standing.findings.isEmpty && found > 0
        return DoctorReport(parts: isUnseen ? parts : parts + [standing])
    }

    /// How the consumers stand, as `status` says it.
    private func relaying() async -> DoctorReport.Part {
        var options = StatusReport.Options()
        options.backlogLimit = 500
        // The part of the database names what is missing.
        options.looksAtRights = false
        let status = await StatusReport.take(configuration, options)
        var part = DoctorReport.Part(name: "relaying", place: "")
        if let failure = status.failure {
            part.findings = [.error("status", "how the consumers stand cannot be seen: \(failure.message)")]
            return part
        }
        let all = status.consumers.count(where: \.isConfigured)
        part.findings = status.diagnosis.problems.map { Finding($0, of: all) }
        return part
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
                database: section, scopes: configuration.scopes, topicConsumers: configuration.topicConsumers,
                prunes: configuration.source.retention.deliveredFor != nil, channel: configuration.notify.channel
            ).take()
            var verdict = DatabaseVerdict(
                tables: section.tables, latestVersion: Schema(section.tables).latestVersion,
                notify: configuration.notify.mode,
                segments: Dictionary(configuration.consumers.map { ($0.name, $0.totalSegments) }) { first, _ in first },
                sessionNeed: configuration.sessionNeed)
            verdict.exactlyOnce = Set(
                configuration.consumers.filter { if case .exactlyOnce = $0.delivery { true } else { false } }.map(
                    \.name))
            verdict.prunes = configuration.source.retention.deliveredFor != nil
            verdict.endsIdleWriters = configuration.horizon.endIdleWritersAfter != nil
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
        let topics = configuration.configuredTopics
        let plan = TransactionPlan(configuration)
        do {
            let facts = try await KafkaExamination(
                client: section.client("godwit-doctor"), topics: topics.keys.sorted(), policy: section.topics,
                made: topics.compactMapValues(\.specification), transactions: plan
            ).take()
            var verdict = KafkaVerdict(
                bootstrapServers: section.bootstrapServers, maximumRecordBytes: section.maximumRecordBytes,
                createsTopics: section.topics != .mustExist, partitions: topics.mapValues(\.partitions),
                settings: topics.mapValues(\.settings), sendsPasswordInClear: section.sendsPasswordInClear,
                isUnverified: !PropertyRule.trustsAnyBroker(section.properties).isEmpty)
            verdict.transactions = plan.map {
                TransactionVerdict(
                    bootstrapServers: section.bootstrapServers, createsTopics: section.topics != .mustExist, plan: $0)
            }
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

extension Finding {
    /// A problem of running consumers. Where none was ever started, doctor is asked before the first start.
    fileprivate init(_ problem: Diagnosis.Problem, of all: Int) {
        let kind = problem.issue.kind
        let isError = kind.isUnhealthy && kind != .notStarted && kind != .noOwner
        self.init(
            severity: isError ? .error : kind.isUnhealthy ? .warning : .note, check: kind.code,
            message: "\(problem.subject(of: all)): \(problem.issue.text)", remedy: nil)
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
