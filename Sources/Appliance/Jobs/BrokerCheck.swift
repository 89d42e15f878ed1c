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
            let admin = try Admin(client, logger: Logger(label: "godwit"))
            do throws(KafkaError) {
                // Without topics this still asks a broker.
                if topics.isEmpty { _ = try await admin.describeCluster() }
                found = topics.isEmpty ? [] : try await admin.describeTopics(topics)
                await admin.close()
            } catch {
                await admin.close()
                throw error
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
