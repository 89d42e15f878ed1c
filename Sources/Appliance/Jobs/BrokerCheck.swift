import Kafka
import KafkaBridge
import Logging

/// Looks at brokers and topics once, for commands that have an end and so do not wait for what is missing.
struct BrokerCheck: Sendable {
    let client: ClientConfiguration
    let topics: [String]
    let mayCreate: Bool

    init(_ options: KafkaPublisherOptions) {
        client = options.client
        topics = options.route.fixedTopics.map(\.description).sorted()
        mayCreate = options.topics != .mustExist
    }

    func run() async throws(Failure) {
        let found: [TopicDescription]
        do throws(KafkaError) {
            found = try await Admin.with(client, logger: Logger(label: "godwit")) { admin throws(KafkaError) in
                if !topics.isEmpty { return try await admin.describeTopics(topics) }
                // Without topics this still asks a broker.
                _ = try await admin.describeCluster()
                return []
            }
        } catch {
            throw Failure(error)
        }
        for topic in found {
            guard let error = topic.error else { continue }
            let failure = Failure(error)
            if failure.status == .topicMissing, mayCreate { continue }
            throw Failure(failure.status, "topic \(topic.name): \(failure.message)")
        }
    }
}
