import KafkaTestBroker
import TestSupport
import Testing

@testable import Kafka

@Suite struct AdminTests {
    @Test func `topics are described in the order asked for`() async throws {
        let kafka = try await TestKafka()
        let (one, two) = (try await kafka.makeTopic(partitions: 1), try await kafka.makeTopic(partitions: 5))
        let absent = kafka.uniqueTopic("absent")
        let admin = try Admin(kafka.client(), logger: quiet)
        let topics = try await admin.describeTopics([two, absent, one])
        #expect(topics.map(\.name) == [two, absent, one])
        #expect(topics.map(\.exists) == [true, false, true])
        #expect(topics[0].partitionCount == 5)
        #expect(topics[2].partitionCount == 1)
        #expect(topics[1].error?.code == .unknownTopicOrPartition)
        #expect(try await admin.describeCluster().brokers.isEmpty == false)
        await admin.close()
    }

    @Test(.onEmbeddedBroker) func `a topic that may not be seen says so`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            await broker.inject(
                Fault(.refuse(KafkaErrorCode(.topicAuthorizationFailed)), on: .metadata, topic: "secret"))
            let admin = try Admin(kafka.client(), logger: quiet)
            let error = try await admin.describeTopics(["secret"])[0].error
            #expect(error?.code == .topicAuthorizationFailed)
            #expect(error?.description.contains("Grant") == true)
            await admin.close()
        }
    }

    @Test func `brokers that cannot be reached are an error in time`() async throws {
        let admin = try Admin(ClientConfiguration(bootstrapServers: "127.0.0.1:1"), logger: quiet)
        let error = await #expect(throws: KafkaError.self) {
            try await deadline { try await admin.describeCluster(within: .milliseconds(300)) }
        }
        #expect(error?.classification.kind == .retry)
        await admin.close()
    }

    @Test func `topics are created described and deleted`() async throws {
        let kafka = try await TestKafka()
        let name = kafka.uniqueTopic()
        let admin = try Admin(kafka.client(), logger: quiet)
        let specification = TopicSpecification(name, partitions: 3, settings: ["cleanup.policy": "compact"])
        #expect(try await admin.createTopics([specification]) == [name: nil])
        #expect(try await admin.createTopics([specification])[name]??.code == .topicAlreadyExists)
        try await eventually("the topic does not show") {
            try await admin.describeTopics([name])[0].partitionCount == 3
        }
        try await eventually("the settings do not show") {
            (try? await admin.topicSettings(name))?["cleanup.policy"] == "compact"
        }
        #expect(try await admin.deleteTopics([name]) == [name: nil])
        await admin.close()
    }

    @Test func `a broker's settings are its own, and a broker that is not there has none`() async throws {
        let kafka = try await TestKafka()
        let admin = try Admin(kafka.client(), logger: quiet)
        for broker in try await admin.describeCluster().brokers {
            let settings = try await admin.brokerSettings(broker.id)
            #expect(settings["transaction.max.timeout.ms"].flatMap(Int.init) != nil, "\(settings)")
            #expect((settings["node.id"] ?? settings["broker.id"]) == String(broker.id))
        }
        await #expect(throws: KafkaError.self) { try await admin.brokerSettings(4711, within: .milliseconds(300)) }
        await admin.close()
    }
}
