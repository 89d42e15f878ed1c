import TestSupport
import Testing

@testable import Kafka

@Suite struct ProducerTests {
    @Test func `every part of a record arrives`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        let source = Single { record in
            record.topic(handle)
            record.key(text: "a key")
            record.value(copying: [0, 1, 255, 0])
            record.timestamp(milliseconds: 1_700_000_000_123)
            record.header(HeaderName("text"), "grüß")
            record.header(HeaderName("bytes"), "\0\t")
            record.header(HeaderName("empty"), "")
            record.headerWithoutValue(HeaderName("none"))
            record.header(HeaderName("least"), decimal: .min)
            record.header(HeaderName("zero"), decimal: 0)
        }
        let batch = await producer.produce(source)
        let progress = try await deadline { await batch.settled() }
        #expect(progress.isDelivered)
        #expect(batch.outcome(at: 0) == .acknowledged(partition: 0, offset: 0))
        await producer.close()

        let records = try await kafka.readAll([topic])
        try #require(records.count == 1)
        let record = records[0]
        #expect(record.key == Array("a key".utf8))
        #expect(record.value == [0, 1, 255, 0])
        #expect(record.timestamp == 1_700_000_000_123)
        #expect(record.headers.map(\.name) == ["text", "bytes", "empty", "none", "least", "zero"])
        #expect(record.header("text") == "grüß")
        #expect(record.headers[1].value == [0, 9])
        #expect(record.headers[2].value == [])
        #expect(record.headers[3].value == nil)
        #expect(record.header("least") == "-9223372036854775808")
        #expect(record.header("zero") == "0")
    }

    @Test func `absent and empty are different`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        let tombstone = await producer.produce(
            Single { record in
                record.topic(handle)
                record.key(text: "k")
            })
        let empty = await producer.produce(
            Single { record in
                record.topic(handle)
                record.key(text: "")
                record.value(copying: [])
            })
        _ = try await deadline { await tombstone.settled() }
        _ = try await deadline { await empty.settled() }
        await producer.close()
        let records = try await kafka.readAll([topic])
        try #require(records.count == 2)
        #expect(records[0].value == nil)
        #expect(records[0].key == Array("k".utf8))
        #expect(records[1].value == [])
        #expect(records[1].key == [])
    }

    @Test func `a key has the partition Java clients choose`() {
        // From Apache Kafka's own murmur2, sign bit masked, modulo the partition count.
        let vectors: [(key: String, hash: Int32)] = [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ]
        for vector in vectors {
            for count in [Int32(1), 3, 12, 50] {
                let chosen = partition(Array(vector.key.utf8), of: count)
                #expect(chosen == (vector.hash & 0x7fff_ffff) % count)
            }
        }
    }

    @Test func `a record lands where the partitioner says`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 4)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        #expect(handle.partitionCount == 4)
        let batch = await producer.produce(Numbers(handle, 0..<100, keys: 20))
        #expect(try await deadline { await batch.settled() }.isDelivered)
        await producer.close()
        for record in try await kafka.readAll([topic]) {
            #expect(record.partition == partition(record.key ?? [], of: 4))
        }
    }

    @Test func `a full queue is waited out and order is kept`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer(["queue.buffering.max.messages": "7"])
        let handle = try await producer.prepare([topic])[0]
        let batches = try await deadline {
            var batches: [Batch] = []
            for start in stride(from: 0, to: 600, by: 200) {
                batches.append(await producer.produce(Numbers(handle, start..<(start + 200))))
            }
            return batches
        }
        for batch in batches { #expect(try await deadline { await batch.settled() }.isDelivered) }
        #expect(producer.queueBytes == 0)
        await producer.close()
        let numbers = try await kafka.readAll([topic]).map { $0.header("number") }
        #expect(numbers == (0..<600).map { "\($0)" })
    }

    @Test func `progress moves while the batch is under way`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer(["queue.buffering.max.messages": "10"])
        let handle = try await producer.prepare([topic])[0]
        let source = Numbers(handle, 0..<100)
        let batch = producer.open(source)
        _ = await producer.feed(batch, from: source, indices: 0..<10)
        let first = try await deadline { await batch.progress(acknowledging: 10) }
        #expect(first.acknowledgedPrefix == 10)
        #expect(!first.isSettled)
        _ = await producer.feed(batch, from: source, indices: 10..<100)
        producer.endFeeding(batch)
        #expect(try await deadline { await batch.settled() }.isDelivered)
        await producer.close()
    }

    @Test func `a record larger than allowed is poison`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer(["message.max.bytes": "2000"])
        let handle = try await producer.prepare([topic])[0]
        let batch = await producer.produce(Numbers(handle, 0..<3, payloadBytes: 3_000))
        let progress = try await deadline { await batch.settled() }
        #expect(progress.failure?.index == 0)
        #expect(progress.failure?.error.code == .messageTooLarge)
        #expect(progress.failure?.error.classification.kind == .poison)
        #expect(batch.outcome(at: 1) == .pending)
        await producer.close()
    }

    @Test func `a record larger than the queue is poison`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer(["queue.buffering.max.kbytes": "1"])
        let handle = try await producer.prepare([topic])[0]
        let batch = await producer.produce(Numbers(handle, 0..<1, payloadBytes: 3_000))
        let progress = try await deadline { await batch.settled() }
        #expect(progress.failure?.error.classification.kind == .poison)
        await producer.close()
    }

    @Test(.disabled(if: TestKafka.outside != nil, "brokers may make every topic they are asked for"))
    func `a topic that does not exist is named`() async throws {
        let kafka = try await TestKafka()
        let nowhere = kafka.uniqueTopic("nowhere")
        let producer = try kafka.producer()
        let error = await #expect(throws: KafkaError.self) { try await producer.prepare([nowhere]) }
        #expect(error?.classification.kind == .refused)
        #expect(error?.message.contains("`\(nowhere)`") == true)
        await producer.close()
    }

    @Test func `a closed producer takes nothing`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        #expect(await producer.close() == .closed)
        #expect(await producer.close() == .closed)
        let batch = await producer.produce(Numbers(handle, 0..<3))
        #expect(batch.progress.isSettled)
        #expect(batch.progress.failure?.error.code == .destroyed)
        #expect(producer.queueLength == 0)
        await #expect(throws: KafkaError.self) { try await producer.prepare([topic]) }
    }

    @Test func `the source is let go after the last report`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        weak var source: Numbers?
        let batch = await {
            let numbers = Numbers(handle, 0..<10)
            source = numbers
            return await producer.produce(numbers)
        }()
        _ = try await deadline { await batch.settled() }
        // The pump lets go right after it has woken the waiters; closing waits for the pump.
        await producer.close()
        #expect(source == nil)
        #expect(batch.progress.isDelivered)
    }
}
