import KafkaTestBroker
import TestSupport
import Testing

@testable import Kafka

@Suite struct ReaderTests {
    /// Ten records in one partition, a second apart.
    private func tenRecords(_ kafka: TestKafka) async throws -> String {
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        for number in 0..<10 {
            let batch = await producer.produce(
                Single { record in
                    record.topic(handle)
                    record.key(text: "k")
                    record.value(copying: [UInt8(number)])
                    record.timestamp(milliseconds: 1_700_000_000_000 + Int64(number) * 1_000)
                })
            #expect(try await deadline { await batch.settled() }.isDelivered)
        }
        await producer.close()
        return topic
    }

    @Test func `reading starts at an offset`() async throws {
        let kafka = try await TestKafka()
        let topic = try await tenRecords(kafka)
        let reader = try Reader(kafka.client(), logger: quiet)
        try await reader.assign([TopicPartition(topic, 0): .offset(7)])
        #expect(try await reader.readToEnd().map(\.value) == [[7], [8], [9]])
        #expect(try await reader.watermarks(of: TopicPartition(topic, 0)) == 0..<10)
        await reader.close()
    }

    @Test func `a reader hands on what is asked for of a record, and the value where no header makes it needless`()
        async throws
    {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        for number in 0..<3 {
            let batch = await producer.produce(
                Single { record in
                    record.topic(handle)
                    record.key(text: "k")
                    record.value(copying: [7])
                    if number != 1 { record.header(HeaderName("identity"), "\(number)") }
                    record.header(HeaderName("a_name_that_is_longer_than_most"), "x")
                    record.header(HeaderName("identity_of_others"), "y")
                    record.header(HeaderName("wanted"), "")
                })
            #expect(try await deadline { await batch.settled() }.isDelivered)
        }
        await producer.close()
        let extract = RecordExtract(headers: ["wanted"], valueUnless: ["identity"], key: false)
        let reader = try Reader(kafka.client(), extract: extract, logger: quiet)
        try await reader.assign([topic])
        let records = try await reader.readToEnd()
        await reader.close()
        #expect(
            records.map { $0.headers.map(\.name) } == [["identity", "wanted"], ["wanted"], ["identity", "wanted"]])
        #expect(records.map(\.value) == [nil, [7], nil] && records.allSatisfy { $0.key == nil })
        #expect(records.map { $0.header("identity") } == ["0", nil, "2"])
        let whole = try await kafka.readAll([topic])
        #expect(whole.allSatisfy { $0.key != nil && $0.value == [7] && $0.headers.count >= 3 })
    }

    @Test func `a partition that a client has not heard of is asked for again, for a moment`() async throws {
        #expect(Reader.isNoNewsYet(KafkaError(.localUnknownPartition)))
        #expect(Reader.isNoNewsYet(KafkaError(.unknownTopicOrPartition)))
        #expect(!Reader.isNoNewsYet(KafkaError(.topicAuthorizationFailed)) && !Reader.isNoNewsYet(KafkaError(.state)))
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let reader = try Reader(kafka.client(), logger: quiet)
        let start = ContinuousClock.now
        await #expect(throws: KafkaError.self) { try await reader.watermarks(of: TopicPartition(topic, 9)) }
        #expect(.now - start > .seconds(1), "it gave up at once")
        await reader.close()
    }

    @Test func `reading starts at a time`() async throws {
        let kafka = try await TestKafka()
        let topic = try await tenRecords(kafka)
        let reader = try Reader(kafka.client(), logger: quiet)
        try await reader.assign([TopicPartition(topic, 0): .timestamp(1_700_000_004_500)])
        #expect(try await reader.readToEnd().map(\.value) == [[5], [6], [7], [8], [9]])
        await reader.close()
    }

    @Test func `a reader chooses anew`() async throws {
        let kafka = try await TestKafka()
        let topic = try await tenRecords(kafka)
        let reader = try Reader(kafka.client(), logger: quiet)
        try await reader.assign([topic])
        #expect(try await reader.readToEnd().count == 10)
        try await reader.assign([TopicPartition(topic, 0): .offset(9)])
        #expect(try await reader.readToEnd().map(\.value) == [[9]])
        await reader.close()
    }

    @Test func `an empty topic is read at once`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 3)
        #expect(try await kafka.readAll([topic]).isEmpty)
    }

    /// As right after a topic was made, or while a partition moves.
    @Test(.onEmbeddedBroker, arguments: [KafkaErrorCode.notLeaderOrFollower, .leaderNotAvailable])
    func `a partition without a leader is waited for`(_ code: KafkaErrorCode) async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            await broker.inject(Fault(.refuse(code), on: .listOffsets, topic: topic, count: 3))
            let reader = try Reader(kafka.client(), logger: quiet)
            #expect(try await reader.watermarks(of: TopicPartition(topic, 0)) == 0..<0)
            await broker.inject(Fault(.refuse(code), on: .listOffsets, topic: topic))
            await #expect(throws: KafkaError.self) {
                try await reader.watermarks(of: TopicPartition(topic, 0), within: .milliseconds(200))
            }
            await reader.close()
        }
    }

    @Test func `the endless sequence sees what comes later`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 2)
        let reader = try Reader(kafka.client(), logger: quiet)
        try await reader.assign([topic])
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        let received = Task {
            var count = 0
            for try await batch in reader.batches {
                count += batch.count
                if count >= 300 { break }
            }
            return count
        }
        for start in [0, 100, 200] { _ = await producer.produce(Numbers(handle, start..<(start + 100), keys: 9)) }
        #expect(try await deadline { try await received.value } == 300)
        await producer.close()
        await reader.close()
    }
}
