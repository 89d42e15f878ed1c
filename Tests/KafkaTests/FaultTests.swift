import Testing

@testable import Kafka

@Suite(.onMockOnly) struct FaultTests {
    @Test func aRetriableErrorIsRetriedAndOrderKept() async throws {
        let broker = try Broker()
        let topic = try await broker.topic(partitions: 1)
        // One request at a time: the mock cluster checks no sequences, so it would take later requests first.
        let producer = try broker.producer([
            "batch.num.messages": "10", "retry.backoff.ms": "5", "max.in.flight": "1",
        ])
        let handle = try await producer.prepare([topic])[0]
        let first = await producer.produce(Numbers(handle, 0..<1))
        _ = try await deadline { await first.settled() }
        broker.mock?.pushErrors([.notEnoughReplicas, .notLeader, .requestTimedOut], for: .produce)
        let batch = await producer.produce(Numbers(handle, 1..<100))
        #expect(try await deadline { await batch.settled() }.isDelivered)
        await producer.close()
        let numbers = try await broker.readAll(topic).map { $0.header("number") }
        #expect(numbers == (0..<100).map { "\($0)" })
    }

    @Test(arguments: [
        (KafkaError.Code.topicAuthorizationFailed, Classification.Kind.refused),
        (.messageTooLarge, .poison), (.invalidRecord, .poison), (.invalidTimestamp, .poison),
    ])
    func aPermanentErrorSurfacesWithItsClass(_ code: KafkaError.Code, _ kind: Classification.Kind) async throws {
        let broker = try Broker()
        let topic = try await broker.topic(partitions: 1)
        let producer = try broker.producer()
        let handle = try await producer.prepare([topic])[0]
        broker.mock?.pushErrors([code], for: .produce)
        let batch = await producer.produce(Numbers(handle, 0..<5))
        #expect(try await deadline { await batch.settled() }.isDelivered == false)
        // Gapless: the instance ends rather than go on behind the gap.
        let next = await producer.produce(Numbers(handle, 5..<10))
        #expect(try await deadline { await next.settled() }.failure != nil)
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

    @Test func anOutageFailsNothing() async throws {
        let broker = try Broker()
        let mock = try #require(broker.mock)
        let topic = try await broker.topic(partitions: 1)
        let producer = try broker.producer(["reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50"])
        let handle = try await producer.prepare([topic])[0]
        let first = await producer.produce(Numbers(handle, 0..<1))
        _ = try await deadline { await first.settled() }
        #expect(producer.connection == .up)
        try mock.takeDown(broker: 1)
        let batch = await producer.produce(Numbers(handle, 1..<50))
        #expect(!batch.progress.isSettled)
        try await deadline { while producer.connection == .up { await Task.yield() } }
        #expect(batch.progress.failure == nil)
        #expect(producer.queueLength >= 49)
        try mock.bringUp(broker: 1)
        #expect(try await deadline { await batch.settled() }.isDelivered)
        try await deadline { while producer.connection != .up { await Task.yield() } }
        await producer.close()
        let numbers = try await broker.readAll(topic).map { $0.header("number") }
        #expect(numbers == (0..<50).map { "\($0)" })
    }

    @Test func brokersThatCannotBeReachedAreWaitedFor() async throws {
        let broker = try Broker()
        let mock = try #require(broker.mock)
        try mock.createTopic("later", partitions: 3)
        try mock.takeDown(broker: 1)
        let producer = try broker.producer(["reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50"])
        let error = await #expect(throws: KafkaError.self) { try await producer.prepare(["later"], within: .zero) }
        #expect(error?.classification.kind == .retry)
        try mock.bringUp(broker: 1)
        let handles = try await deadline { try await producer.prepare(["later"]) }
        #expect(handles.map(\.partitionCount) == [3])
        await producer.close()
    }

    @Test func closingDuringAnOutageEndsAndFailsWhatIsLeft() async throws {
        let broker = try Broker()
        let mock = try #require(broker.mock)
        let topic = try await broker.topic(partitions: 1)
        let producer = try broker.producer()
        let handle = try await producer.prepare([topic])[0]
        try mock.takeDown(broker: 1)
        let batch = await producer.produce(Numbers(handle, 0..<20))
        let outcome = try await deadline { await producer.close(within: .seconds(20)) }
        #expect(outcome == .closed)
        let progress = batch.progress
        #expect(progress.isSettled)
        #expect(progress.failure?.index == 0)
        #expect(progress.failure?.error.classification.kind == .retry)
    }

    @Test func closingReportsWhatHangs() async throws {
        let broker = try Broker()
        let topic = try await broker.topic(partitions: 1)
        let producer = try broker.producer()
        let handle = try await producer.prepare([topic])[0]
        try broker.mock?.takeDown(broker: 1)
        let batch = await producer.produce(Numbers(handle, 0..<1))
        // No time at all stands for a librdkafka that hangs.
        #expect(await producer.close(within: .zero) == .abandoned)
        #expect(try await deadline { await batch.settled() }.failure != nil)
    }

    @Test func aFeederThatWaitsIsFreedByClosing() async throws {
        let broker = try Broker()
        let topic = try await broker.topic(partitions: 1)
        let producer = try broker.producer(["queue.buffering.max.messages": "5"])
        let handle = try await producer.prepare([topic])[0]
        try broker.mock?.takeDown(broker: 1)
        async let batch = producer.produce(Numbers(handle, 0..<20))
        try await deadline { while producer.queueLength < 5 { await Task.yield() } }
        await producer.close()
        let progress = try await deadline { [batch = await batch] in await batch.settled() }
        #expect(progress.failure != nil)
    }

    @Test func cancellingEndsTheFeeding() async throws {
        let broker = try Broker()
        let topic = try await broker.topic(partitions: 1)
        let producer = try broker.producer(["queue.buffering.max.messages": "5"])
        let handle = try await producer.prepare([topic])[0]
        try broker.mock?.takeDown(broker: 1)
        let task = Task { await producer.produce(Numbers(handle, 0..<20)) }
        try await deadline { while producer.queueLength < 5 { await Task.yield() } }
        task.cancel()
        let batch = try await deadline { await task.value }
        #expect(batch.outcome(at: 19) == .pending)
        #expect(!batch.progress.isSettled)
        producer.purge()
        #expect(try await deadline { await batch.settled() }.failure?.error.code == .purgedInQueue)
        await producer.close()
    }
}
