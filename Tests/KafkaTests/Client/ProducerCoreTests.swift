import Dispatch
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Kafka

/// Feeding, failing and closing, without librdkafka.
@Suite(.timeLimit(.minutes(1))) struct ProducerCoreTests {
    private typealias Core = ProducerCore<FakeClient>

    private func makeCore(_ client: FakeClient, logger: Logger = quiet) -> Core {
        Core(client, lingering: nil, stallLimit: .seconds(60), logger: logger, onStatistics: nil)
    }

    private func feed(_ core: Core, _ count: Int) async -> Batch {
        let source = Blanks(count)
        let batch = core.open(source)
        _ = await core.feed(batch, from: source, indices: RecordIndices(0..<count))
        core.endFeeding(batch, moreFollows: false)
        return batch
    }

    @Test func `a record that finds no room is tried again before the next`() async throws {
        let client = FakeClient(room: 3)
        let core = makeCore(client)
        async let feeding = feed(core, 10)
        for _ in 0..<10 {
            try await eventually("the queue does not fill") { client.queueLength > 0 }
            client.report(1)
        }
        let batch = await feeding
        #expect(try await deadline { await batch.settled() }.isDelivered)
        let (offered, taken) = client.state.withLock { ($0.offered, $0.taken.map { BatchSlots.parts(of: $0).index }) }
        #expect(taken == Array(0..<10))
        #expect(offered.count > 10)
        #expect(zip(offered, offered.dropFirst()).allSatisfy { $1 == $0 || $1 == $0 + 1 }, "\(offered)")
        _ = await core.close(within: .seconds(5))
    }

    @Test func `a record that finds no room in an empty queue is too large`() async throws {
        let client = FakeClient(room: 0)
        let core = makeCore(client)
        let batch = await feed(core, 2)
        #expect(batch.progress.failure?.index == 0)
        #expect(batch.progress.failure?.error.code == .messageTooLarge)
        #expect(client.state.withLock { $0.offered } == [0, 0])
        _ = await core.close(within: .seconds(5))
    }

    @Test func `nothing is taken behind a record that is refused`() async throws {
        let client = FakeClient()
        let core = makeCore(client)
        client.state.withLock { $0.refusals[4] = KafkaError(.localUnknownPartition) }
        let before = await feed(core, 2)
        let batch = await feed(core, 6)
        #expect(batch.progress.failure?.index == 4)
        #expect(core.state.withLock { $0.life.phase } == .failing(KafkaError(.localUnknownPartition)))
        #expect(try await deadline { await before.settled() }.failure != nil, "other batches are not waited for")
        let next = await feed(core, 3)
        #expect(next.progress.failure?.error.code == .localUnknownPartition)
        #expect(client.state.withLock { $0.taken.count } == 6)
        // What is reported after all is worth more than what was assumed.
        client.report(.max)
        try await eventually("the late reports are not taken") { before.progress.isDelivered }
        _ = await core.close(within: .seconds(5))
    }

    @Test func `a report of failure ends the run`() async throws {
        let client = FakeClient(room: 2)
        let core = makeCore(client)
        async let feeding = feed(core, 5)
        try await eventually("the queue does not fill") { client.queueLength == 2 }
        client.report(1, code: .invalidRecord)
        let batch = await feeding
        #expect(try await deadline { await batch.settled() }.failure?.error.code == .invalidRecord)
        #expect(core.state.withLock { $0.life.failure }?.code == .invalidRecord)
        #expect(client.state.withLock { $0.taken.count } == 2)
        _ = await core.close(within: .seconds(5))
        #expect(core.state.withLock { $0.life.phase } == .closed(after: KafkaError(.invalidRecord)))
    }

    @Test func `reports of one event go each to their batch`() async throws {
        let client = FakeClient()
        let core = makeCore(client)
        var batches: [Batch] = []
        for count in [3, 1, 4, 1, 5] { batches.append(await feed(core, count)) }
        client.report(.max)
        for batch in batches {
            let progress = try await deadline { await batch.settled() }
            #expect(progress.isDelivered)
            #expect(progress.acknowledgedPrefix == batch.count)
        }
        // One that nobody waits for any more.
        client.say(.reports(bytes: 0), [Report(opaque: 77 << 32 | 5, offset: 0, partition: 0, code: 0)])
        let last = await feed(core, 1)
        client.report(1)
        #expect(try await deadline { await last.settled() }.isDelivered)
        _ = await core.close(within: .seconds(5))
    }

    @Test func `the client ends after the last call and only once`() async throws {
        let client = FakeClient()
        let core = makeCore(client)
        let batch = await feed(core, 3)
        let mayEnd = DispatchSemaphore(value: 0)
        let isUnderWay = Atomic(false)
        let call = Task {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    core.withClient { _ in
                        isUnderWay.store(true, ordering: .sequentiallyConsistent)
                        mayEnd.wait()
                    }
                    continuation.resume()
                }
            }
        }
        try await eventually("the call does not begin") { isUnderWay.load(ordering: .sequentiallyConsistent) }
        async let first = core.close(within: .seconds(20))
        try await eventually("closing does not begin") { core.withClient { _ in true } == nil }
        #expect(await core.close(within: .seconds(5)) == .closed)
        #expect(client.state.withLock { $0.steps } == [])
        mayEnd.signal()
        #expect(await first == .closed)
        await call.value
        #expect(client.state.withLock { $0.steps } == ["purge", "flush", "end"])
        #expect(core.state.withLock { $0.life.phase } == .closed(after: nil))
        #expect(batch.progress.failure?.error.classification.kind == .retry)
        #expect(await feed(core, 1).progress.failure?.error.code == .destroyed)
    }

    @Test func `what closing gives up is no news`() async throws {
        let log = CapturedLog()
        let client = FakeClient()
        client.state.withLock { $0.failsWhenPurged = true }
        let core = makeCore(client, logger: log.logger)
        let batch = await feed(core, 3)
        _ = await core.close(within: .seconds(5))
        #expect(batch.progress.failure != nil)
        #expect(log.lines.isEmpty, "\(log.lines)")
        #expect(core.state.withLock { $0.life.failure } == nil)
    }

    @Test func `a client that ends itself is news once`() async throws {
        let log = CapturedLog()
        let client = FakeClient()
        let core = makeCore(client, logger: log.logger)
        let batch = await feed(core, 3)
        client.state.withLock { $0.fatalError = KafkaError(.outOfOrderSequence, isFatal: true) }
        client.say(.error(KafkaError(.fatal)))
        client.say(.error(KafkaError(.fatal)))
        client.say(.error(KafkaError(.transport)))
        let progress = try await deadline { await batch.settled() }
        #expect(progress.failure != nil)
        #expect(core.state.withLock { $0.life.failure }?.code == .outOfOrderSequence)
        _ = await core.close(within: .seconds(5))
        #expect(log.lines.count == 1, "\(log.lines)")
        #expect(log.lines.first?.contains("OUT_OF_ORDER_SEQUENCE_NUMBER") == true)
    }

    @Test func `slow brokers answer about every topic`() async throws {
        let client = FakeClient()
        client.state.withLock { state in
            state.topics = ["a": 1, "b": 2, "c": 3, "d": 4]
            state.answerTime = .milliseconds(400)
        }
        let core = makeCore(client)
        _ = try await core.lookUp(["a", "b", "c", "d"], within: nil)
        let answers = try await core.lookUp(["b", "c", "d"], within: nil)
        let counts = answers.map { try? $0.get().partitionCount }
        #expect(counts == [2, 3, 4])
        #expect(client.state.withLock { $0.steps } == ["ask a,b,c,d", "ask b", "ask c", "ask d"])
        _ = await core.close(within: .seconds(5))
    }

    @Test func `closing does not wait for every question`() async throws {
        let client = FakeClient()
        client.state.withLock { $0.answerTime = .seconds(60) }
        let core = makeCore(client)
        let question = Task { try await core.lookUp(["a"], within: nil) }
        try await eventually("nothing is asked") { client.state.withLock { $0.kept } == ["a"] }
        #expect(await core.close(within: .seconds(20)) == .closed)
        let error = await #expect(throws: KafkaError.self) { try await deadline { try await question.value } }
        #expect(error?.code == .state)
    }
}
