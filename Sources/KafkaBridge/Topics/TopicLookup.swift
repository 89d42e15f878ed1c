package import Kafka
import Logging

/// Asks brokers about topics: creates absent ones where that is the policy, and reads the settings that bound a record.
struct TopicLookup: Sendable {
    let options: KafkaPublisherOptions
    let logger: Logger
    private var client: ClientConfiguration { options.client }

    init(_ options: KafkaPublisherOptions, logger: Logger) {
        self.options = options
        self.logger = logger
    }

    /// How long one question waits for a broker.
    private static let patience: Duration = .seconds(5)

    /// One answer for each topic, in the question's order; or why brokers answer nothing at all.
    func answers(
        to question: DeliveryState.TopicQuestion, on producer: Producer
    ) async -> Result<[DeliveryState.TopicAnswer], KafkaError> {
        do throws(KafkaError) { return .success(try await ask(question, producer)) } catch { return .failure(error) }
    }

    private func ask(
        _ question: DeliveryState.TopicQuestion, _ producer: Producer
    ) async throws(KafkaError) -> [DeliveryState.TopicAnswer] {
        let names = question.topics.map(\.name.description)
        var found = try await producer.lookUp(names, within: Self.patience)
        let absent = names.indices.filter { found[$0].error?.isAbsence == true }
        if !absent.isEmpty, options.topics != .mustExist {
            let topics = absent.compactMap { options.specification(of: question.topics[$0].name) }
            let errors = try await create(topics)
            let again = try await whileNew(absent.map { names[$0] }) { names throws(KafkaError) in
                try await producer.lookUp(names, within: Self.patience)
            }
            for (index, answer) in zip(absent, again) {
                found[index] = errors[names[index]].map { .failure($0) } ?? answer
            }
        }
        var answers = found.map { found in
            switch found {
            case .success(let topic):
                DeliveryState.TopicAnswer(answer: .ready(topic), partitions: producer.currentPartitionCount(of: topic))
            case .failure(let error): DeliveryState.TopicAnswer(answer: .refused(error))
            }
        }
        let unread = answers.indices.filter { question.topics[$0].needsSettings && found[$0].error == nil }
        if !unread.isEmpty {
            let settings = try await read(unread.map { names[$0] })
            for (index, settings) in zip(unread, settings) { answers[index].settings = settings }
        }
        return answers
    }

    /// A new topic shows at once nowhere but in the controller: brokers hear of it a moment later, each for itself.
    private func whileNew(
        _ names: [String], _ ask: ([String]) async throws(KafkaError) -> [Result<TopicHandle, KafkaError>]
    ) async throws(KafkaError) -> [Result<TopicHandle, KafkaError>] {
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            let answers = try await ask(names)
            guard answers.contains(where: { $0.error?.isAbsence == true }), ContinuousClock.now < deadline else {
                return answers
            }
            do { try await Task.sleep(for: .milliseconds(20)) } catch _ { return answers }
        }
    }

    /// - Returns: why topics could not be made, by their name.
    private func create(_ topics: [TopicSpecification]) async throws(KafkaError) -> [String: KafkaError] {
        let results = try await TopicClients.withAdmin(client, logger: logger) { admin throws(KafkaError) in
            try await admin.createTopics(topics)
        }
        var errors: [String: KafkaError] = [:]
        for topic in topics {
            if let error = results[topic.name] ?? nil {
                if error.code == .topicAlreadyExists { continue }
                if error.classification.kind == .retry { throw error }
                errors[topic.name] = error.named(topic)
            } else {
                logger.notice(
                    "created the topic", metadata: ["topic": "\(topic.name)", "partitions": "\(topic.partitions)"])
            }
        }
        return errors
    }

    /// What each topic's settings allow, nothing known where they may not be read.
    ///
    /// - Throws: what passes by itself.
    private func read(_ topics: [String]) async throws(KafkaError) -> [TopicSettings] {
        try await TopicClients.withAdmin(client, logger: logger) { admin throws(KafkaError) in
            var found: [TopicSettings] = []
            for topic in topics { found.append(try await settings(of: topic, admin)) }
            return found
        }
    }

    private func settings(of topic: String, _ admin: Admin) async throws(KafkaError) -> TopicSettings {
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            do {
                return TopicSettings(try await admin.topicSettings(topic))
            } catch {
                if error.classification.kind == .retry { throw error }
                // Another broker than the one that has the topic may not have heard of it yet.
                guard error.isAbsence, ContinuousClock.now < deadline else { return TopicSettings() }
                do { try await Task.sleep(for: .milliseconds(20)) } catch _ { throw error }
            }
        }
    }
}

extension Result where Failure == KafkaError {
    fileprivate var error: KafkaError? {
        if case .failure(let error) = self { error } else { nil }
    }
}

extension KafkaError {
    /// Names the settings of a topic that brokers refuse to make because of them.
    package func named(_ topic: TopicSpecification) -> KafkaError {
        guard code == .invalidConfiguration, !topic.settings.isEmpty else { return self }
        var error = self
        let settings = topic.settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        error.message += " (asked for: \(settings.joined(separator: ", ")))"
        return error
    }
}
