import Dispatch
import KafkaTestBroker
import Synchronization
import TestSupport
import Testing

@testable import Kafka

@Suite(.onEmbeddedBroker) struct FaultTests {
    @Test func `a broker that ends its connections again and again costs few lines in the log`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let log = CapturedLog()
            let topic = try await kafka.makeTopic(partitions: 1)
            let producer = try kafka.producer(
                ["reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50"], logger: log.logger)
            let handle = try await producer.prepare([topic])[0]
            for round in 0..<12 {
                let count = round * 10
                await broker.takeDown()
                try await eventually("the outage is not noticed") {
                    if case .down = producer.connection { true } else { false }
                }
                await broker.bringUp()
                let batch = await producer.produce(Numbers(handle, count..<count + 10))
                #expect(try await deadline { await batch.settled() }.isDelivered)
            }
            let lines = log.lines.filter { $0.contains("Kafka") }
            #expect(lines.count == 2, "\(log.lines)")
            try await eventually("it is not said how often", within: .seconds(30)) {
                log.lines.contains { $0.contains("Kafka could not be reached 12 times") }
            }
            await producer.close()
        }
    }

    @Test func `a retriable error leaves no gap and no disorder`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            // Several requests are in flight: the broker refuses those behind the one that failed, by their sequences.
            let producer = try kafka.producer(["batch.num.messages": "10"])
            let handle = try await producer.prepare([topic])[0]
            let first = await producer.produce(Numbers(handle, 0..<1))
            _ = try await deadline { await first.settled() }
            for (number, code) in [KafkaError.Code.notEnoughReplicas, .notLeader, .requestTimedOut].enumerated() {
                await broker.inject(Fault(.refuse(KafkaErrorCode(code)), on: .produce, skip: number, count: 1))
            }
            let batch = await producer.produce(Numbers(handle, 1..<100))
            let progress = try await deadline { await batch.settled() }
            if !progress.isDelivered {
                // librdkafka 2.0 may lose count of the sequences then; it says so, and goes no further.
                try await eventually("the instance is not known to have failed") { producer.fatalError != nil }
            }
            await producer.close()
            let numbers = try await kafka.readAll([topic]).map { $0.header("number") }
            #expect(numbers == (0..<numbers.count).map { "\($0)" })
            #expect(progress.isDelivered ? numbers.count == 100 : numbers.count > progress.acknowledgedPrefix)
        }
    }

    @Test(arguments: [
        (KafkaError.Code.topicAuthorizationFailed, Classification.Kind.refused),
        (.messageTooLarge, .poison), (.invalidRecord, .poison), (.invalidTimestamp, .poison),
    ])
    func `a permanent error surfaces with its class`(_ code: KafkaError.Code, _ kind: Classification.Kind) async throws
    {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let producer = try kafka.producer()
            let handle = try await producer.prepare([topic])[0]
            await broker.inject(Fault(.refuse(KafkaErrorCode(code)), on: .produce, count: 1))
            let batch = await producer.produce(Numbers(handle, 0..<5))
            #expect(try await deadline { await batch.settled() }.isDelivered == false)
            // Gapless: the instance ends rather than go on behind the gap.
            let next = await producer.produce(Numbers(handle, 5..<10))
            #expect(try await deadline { await next.settled() }.failure != nil)
            // The reports of records may come before that of the instance.
            try await eventually("the instance is not known to have failed") { producer.fatalError != nil }
            let fatal = try #require(producer.fatalError)
            #expect(fatal.code == .gapless)
            #expect(fatal.classification.kind == .fatal)
            // The reports of an instance that has failed are all in once it is closed.
            await producer.close()
            let progress = batch.progress
            #expect(progress.failure?.index == 0)
            #expect(progress.failure?.error.code == code)
            #expect(progress.failure?.error.classification.kind == kind)
            #expect(progress.acknowledgedPrefix == 0)
        }
    }

    @Test func `an outage fails nothing`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let producer = try kafka.producer(["reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50"])
            let handle = try await producer.prepare([topic])[0]
            let first = await producer.produce(Numbers(handle, 0..<1))
            _ = try await deadline { await first.settled() }
            #expect(producer.connection == .up)
            await broker.takeDown()
            let batch = await producer.produce(Numbers(handle, 1..<50))
            #expect(!batch.progress.isSettled)
            try await eventually("the outage is not noticed") { producer.connection != .up }
            #expect(batch.progress.failure == nil)
            #expect(producer.queueLength >= 49)
            await broker.bringUp()
            #expect(try await deadline { await batch.settled() }.isDelivered)
            try await eventually("the outage's end is not noticed") { producer.connection == .up }
            await producer.close()
            let numbers = try await kafka.readAll([topic]).map { $0.header("number") }
            #expect(numbers == (0..<50).map { "\($0)" })
        }
    }

    @Test func `brokers that cannot be reached are waited for`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await kafka.createTopic("later", partitions: 3)
            await broker.takeDown()
            let producer = try kafka.producer(["reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50"])
            let error = await #expect(throws: KafkaError.self) { try await producer.prepare(["later"], within: .zero) }
            #expect(error?.classification.kind == .retry)
            await broker.bringUp()
            let handles = try await deadline { try await producer.prepare(["later"]) }
            #expect(handles.map(\.partitionCount) == [3])
            await producer.close()
        }
    }

    @Test func `closing during an outage ends and fails what is left`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let producer = try kafka.producer()
            let handle = try await producer.prepare([topic])[0]
            await broker.takeDown()
            let batch = await producer.produce(Numbers(handle, 0..<20))
            let outcome = try await deadline { await producer.close(within: .seconds(20)) }
            #expect(outcome == .closed)
            let progress = batch.progress
            #expect(progress.isSettled)
            #expect(progress.failure?.index == 0)
            #expect(progress.failure?.error.classification.kind == .retry)
        }
    }

    @Test func `closing with records under way is quiet`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let log = CapturedLog()
            let producer = try Producer(kafka.client(), logger: log.logger)
            let handle = try await producer.prepare([topic])[0]
            let requests = await broker.inject(Fault(.hang, on: .produce))
            let batch = await producer.produce(Numbers(handle, 0..<20))
            try await eventually("nothing is sent") { await broker.hits(ofFault: requests) > 0 }
            await producer.close()
            #expect(batch.progress.failure?.error.code == .purgedInFlight)
            #expect(log.lines.isEmpty, "\(log.lines)")
        }
    }

    @Test func `a rejected record is its caller's news`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let log = CapturedLog()
            let producer = try Producer(kafka.client(), logger: log.logger)
            let handle = try await producer.prepare([topic])[0]
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, count: 1))
            let batch = await producer.produce(Numbers(handle, 0..<5))
            _ = try await deadline { await batch.settled() }
            try await eventually("the instance is not known to have failed") { producer.fatalError != nil }
            await producer.close()
            #expect(batch.progress.failure?.error.code == .invalidRecord)
            #expect(log.lines.isEmpty, "\(log.lines)")
        }
    }

    @Test func `closing reports what hangs`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let producer = try kafka.producer()
            let handle = try await producer.prepare([topic])[0]
            await broker.takeDown()
            let batch = await producer.produce(Numbers(handle, 0..<1))
            // A record that is never done with stands for a librdkafka that hangs: the client is in use meanwhile.
            let isInUse = Atomic(false)
            let mayEnd = DispatchSemaphore(value: 0)
            let other = Task {
                await producer.produce(
                    Single { record in
                        record.topic(handle)
                        isInUse.store(true, ordering: .sequentiallyConsistent)
                        mayEnd.wait()
                    })
            }
            try await eventually("the record is not asked for") { isInUse.load(ordering: .sequentiallyConsistent) }
            let outcome = await producer.close(within: .milliseconds(50))
            mayEnd.signal()
            #expect(outcome == .abandoned)
            #expect(try await deadline { await batch.settled() }.failure != nil)
            _ = await other.value
        }
    }

    @Test func `a feeder that waits is freed by closing`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let producer = try kafka.producer(["queue.buffering.max.messages": "5"])
            let handle = try await producer.prepare([topic])[0]
            await broker.takeDown()
            async let batch = producer.produce(Numbers(handle, 0..<20))
            try await eventually("the queue does not fill") { producer.queueLength >= 5 }
            await producer.close()
            let progress = try await deadline { [batch = await batch] in await batch.settled() }
            #expect(progress.failure != nil)
        }
    }

    @Test func `cancelling ends the feeding`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let producer = try kafka.producer(["queue.buffering.max.messages": "5"])
            let handle = try await producer.prepare([topic])[0]
            await broker.takeDown()
            let task = Task { await producer.produce(Numbers(handle, 0..<20)) }
            try await eventually("the queue does not fill") { producer.queueLength >= 5 }
            task.cancel()
            let batch = try await deadline { await task.value }
            #expect(batch.outcome(at: 19) == .pending)
            #expect(!batch.progress.isSettled)
            producer.purge()
            #expect(try await deadline { await batch.settled() }.failure?.error.code == .purgedInQueue)
            await producer.close()
        }
    }
}
