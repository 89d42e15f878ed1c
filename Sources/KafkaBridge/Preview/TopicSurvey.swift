package import Kafka
package import Logging

/// Asks brokers about topics, and remembers for a while what they said, also that nobody answered.
package actor TopicSurvey {
    private let client: ClientConfiguration
    private let options: KafkaPublisherOptions
    private let logger: Logger
    private var known: [TopicName: (facts: TopicFacts, time: ContinuousClock.Instant)] = [:]
    private var silence: (reason: String, time: ContinuousClock.Instant)?

    /// An answer counts so long.
    private static let life: Duration = .seconds(30)
    /// How long brokers are waited for.
    private static let patience: Duration = .seconds(5)

    /// - Parameter problem: why brokers cannot be asked at all.
    package init(_ options: KafkaPublisherOptions, problem: String? = nil, logger: Logger) {
        client = options.client
        self.options = options
        self.logger = logger
        self.problem = problem ?? (options.client.bootstrapServers.isEmpty ? "no brokers are configured" : nil)
    }

    private let problem: String?

    /// What brokers say about the topics.
    package func facts(of topics: [TopicName]) async -> [TopicName: TopicFacts] {
        if let problem { return all(topics, unknown: problem) }
        let now = ContinuousClock.now
        if let silence, now - silence.time < Self.life { return all(topics, unknown: silence.reason) }
        let missing = topics.filter { topic in known[topic].map { now - $0.time >= Self.life } ?? true }
        if !missing.isEmpty {
            do throws(KafkaError) {
                for (topic, facts) in try await ask(missing) { known[topic] = (facts, now) }
            } catch {
                silence = ("no broker can be asked: \(error.message)", now)
                return all(topics, unknown: silence?.reason ?? "")
            }
        }
        return topics.reduce(into: [:]) { $0[$1] = known[$1]?.facts }
    }

    private func all(_ topics: [TopicName], unknown reason: String) -> [TopicName: TopicFacts] {
        topics.reduce(into: [:]) { $0[$1] = .unknown(reason) }
    }

    private func ask(_ topics: [TopicName]) async throws(KafkaError) -> [TopicName: TopicFacts] {
        let options = options
        return try await Admin.with(client, logger: logger) { admin throws(KafkaError) in
            var facts: [TopicName: TopicFacts] = [:]
            let found = try await admin.describeTopics(topics.map(\.description), within: Self.patience)
            for (topic, found) in zip(topics, found) {
                if let error = found.error {
                    if error.isAbsence, let made = options.specification(of: topic) {
                        facts[topic] = .toBeMade(made)
                    } else {
                        facts[topic] = error.classification.kind == .retry ? .unknown(error.message) : .refused(error)
                    }
                } else {
                    // Without the right to read them nothing is known.
                    let settings = try? await admin.topicSettings(found.name, within: Self.patience)
                    facts[topic] = .exists(partitions: found.partitionCount, settings: settings)
                }
            }
            return facts
        }
    }
}
