import KafkaTestBroker
import TestSupport
import Testing

@testable import Kafka

@Suite(.timeLimit(.minutes(1))) struct TopicTests {
    @Test(.onEmbeddedBroker) func `every topic has its own answer`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let (first, last) = (try await kafka.makeTopic(partitions: 2), try await kafka.makeTopic(partitions: 3))
            let (forbidden, leaderless) = (try await kafka.makeTopic(), try await kafka.makeTopic())
            await broker.inject(
                Fault(.refuse(KafkaErrorCode(.topicAuthorizationFailed)), on: .metadata, topic: forbidden))
            await broker.inject(Fault(.refuse(KafkaErrorCode(.leaderNotAvailable)), on: .metadata, topic: leaderless))
            let producer = try kafka.producer()
            let answers = try await producer.lookUp([first, "absent", forbidden, leaderless, "", last])
            let counts = answers.map { try? $0.get().partitionCount }
            #expect(counts == [2, nil, nil, nil, nil, 3])
            let codes = answers.map { answer -> KafkaError.Code? in
                if case .failure(let error) = answer { error.code } else { nil }
            }
            #expect(
                codes == [
                    nil, .unknownTopicOrPartition, .topicAuthorizationFailed, .leaderNotAvailable, .invalidTopic,
                    nil,
                ])
            if case .failure(let error) = answers[1] { #expect(error.message.contains("`absent`")) }

            // What is ready goes on, whatever the others are.
            let batch = await producer.produce(Numbers(try answers[5].get(), 0..<10))
            #expect(try await deadline { await batch.settled() }.isDelivered)
            await producer.close()
        }
    }

    @Test(.onEmbeddedBroker) func `only the topic that is named is asked about`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            var names: [String] = []
            for _ in 0..<5 { names.append(try await kafka.makeTopic(partitions: 1)) }
            let producer = try kafka.producer()
            _ = try await producer.lookUp(names)
            let others = await broker.inject(Fault(.delay(.zero), on: .metadata, topic: names[0]))
            let one = await broker.inject(Fault(.delay(.zero), on: .metadata, topic: names[4]))
            _ = try await producer.lookUp([names[4]])
            _ = try await producer.lookUp([names[4], names[3]])
            #expect(await broker.hits(ofFault: others) == 0)
            #expect(await broker.hits(ofFault: one) == 2)
            await producer.close()
        }
    }

    @Test(.onEmbeddedBroker) func `brokers that do not answer in time are no answer about any topic`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            await broker.takeDown()
            let producer = try kafka.producer()
            let error = await #expect(throws: KafkaError.self) {
                try await deadline { try await producer.lookUp([topic], within: .milliseconds(100)) }
            }
            #expect(error?.classification.kind == .retry)

            let waiting = Task { try await producer.lookUp([topic]) }
            waiting.cancel()
            await #expect(throws: KafkaError.self) { try await deadline { try await waiting.value } }
            let patient = Task { try await producer.lookUp([topic]) }
            await broker.bringUp()
            let answers = try await deadline { try await patient.value }
            #expect(try answers[0].get().partitionCount == 1)

            await producer.close()
            let closed = await #expect(throws: KafkaError.self) {
                try await deadline { try await producer.lookUp([topic]) }
            }
            #expect(closed?.code == .state)
        }
    }

    @Test func `a topic that grows keeps its partitions for the producer's life`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 2)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        let first = await producer.produce(Numbers(handle, 0..<50, keys: 10))
        #expect(try await deadline { await first.settled() }.isDelivered)
        #expect(producer.currentPartitionCount(of: handle) == 2)
        try await Admin.with(kafka.client(), logger: quiet) { admin throws(KafkaError) in
            try await admin.addPartitions(to: topic, total: 7)
        }
        try await eventually("the growth does not show") {
            let again = try await producer.lookUp([topic])[0].get()
            #expect(again == handle)
            return producer.currentPartitionCount(of: handle) == 7
        }
        // These records leave their partition to their key.
        let second = await producer.produce(Numbers(handle, 50..<100, keys: 10))
        #expect(try await deadline { await second.settled() }.isDelivered)
        await producer.close()
        let records = try await kafka.readAll([topic])
        #expect(records.count == 100)
        for record in records { #expect(record.partition == partition(record.key ?? [], of: 2)) }

        let next = try kafka.producer()
        #expect(try await next.prepare([topic])[0].partitionCount == 7)
        await next.close()
    }

    @Test func `a partition that is gone ends the instance`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 4)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        let before = await producer.produce(record(to: handle, 3))
        #expect(try await deadline { await before.settled() }.isDelivered)
        try await makeAnew(topic, handle, producer, kafka)
        let batch = await producer.produce(record(to: handle, 3))
        let progress = try await deadline { await batch.settled() }
        #expect(progress.failure?.error.classification.kind == .refused)
        #expect(producer.failure?.classification.kind == .refused)
        // Nothing is taken behind the gap.
        let next = await producer.produce(record(to: handle, 0))
        #expect(try await deadline { await next.settled() }.failure != nil)
        await producer.close()
    }

    @Test(.onEmbeddedBroker) func `a record under way to a partition that goes fails`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 4)
            let producer = try Producer(kafka.client(), stallLimit: .seconds(2), logger: quiet)
            let handle = try await producer.prepare([topic])[0]
            let first = await producer.produce(record(to: handle, 3))
            #expect(try await deadline { await first.settled() }.isDelivered)
            let fault = await broker.inject(Fault(.refuse(KafkaErrorCode(.notLeader)), on: .produce, topic: topic))
            let batch = await producer.produce(record(to: handle, 3))
            try await eventually("nothing is sent") { await broker.hits(ofFault: fault) > 0 }
            try await makeAnew(topic, handle, producer, kafka)
            await broker.removeFault(fault)
            let progress = try await deadline { await batch.settled() }
            // Which one depends on whether it was in a request or waited for one.
            let codes: [KafkaError.Code?] = [.localUnknownPartition, .destroyed]
            #expect(codes.contains(progress.failure?.error.code), "\(progress)")
            #expect(producer.failure != nil)
            await producer.close()
        }
    }

    /// Deletes a topic and makes it again with one partition, which the producer then knows.
    private func makeAnew(
        _ topic: String, _ handle: TopicHandle, _ producer: Producer, _ kafka: TestKafka
    ) async throws {
        try await Admin.with(kafka.client(), logger: quiet) { admin throws(KafkaError) in
            if let failure = try await admin.deleteTopics([topic])[topic] ?? nil { throw failure }
        }
        try await eventually("the topic does not go") {
            try await Admin.with(kafka.client(), logger: quiet) { admin throws(KafkaError) in
                try await admin.describeTopics([topic])[0].exists == false
            }
        }
        try await kafka.createTopic(topic, partitions: 1)
        try await eventually("the new topic does not show") {
            guard case .success(let again) = try await producer.lookUp([topic])[0] else { return false }
            #expect(again == handle)
            return producer.currentPartitionCount(of: handle) == 1
        }
    }
}

/// One record for a partition.
private func record(to topic: TopicHandle, _ partition: Int32) -> Single {
    Single { record in
        record.topic(topic)
        record.partition(partition)
        record.value(copying: [1])
    }
}
