import EventSourcing
import Kafka
import KafkaTestBroker
import Synchronization
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// The memory of records beside their events, while their transaction is not committed.
@Suite(.timeLimit(.minutes(1))) struct RecordMemoryTests {
    @Test func `records that wait for their commit take no memory, and take it again when they are sent again`() throws
    {
        var state = DeliveryState(
            DeliveryState.Options(
                consumer: "c", route: Route(topic: try TopicTemplate("topic")), onPoison: .halt, canPark: true,
                transactionalID: "own", pause: { _ in .zero }))
        var now = DeliveryState.Moment.now
        let batch = try FeedBatch((1...3).map { PersistedEvent(Event.sample(), globalPosition: $0) })
        let segment = ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)
        _ = state.serve([segment])
        let id = state.accept(batch, try #require(batch.events), now: now)
        for round in 1...2 {
            begin(&state, &now)
            while let feed = state.nextFeed(now) {
                state.fed(feed, feed.records.count, isFull: false, now: now)
                // The first record of a partition goes alone.
                _ = state.observed(id, acknowledged: 1, now: now)
            }
            _ = state.observed(id, acknowledged: 2, now: now)
            #expect(state.takeRecordMemory() == [], "freed before it is acknowledged")
            _ = state.observed(id, acknowledged: 3, now: now)
            #expect(state.takeRecordMemory() == [.free(id)])
            guard round == 1 else { break }
            state.producerFailed()
            guard case .endProducer = state.next(now: now) else {
                Issue.record("the producer goes on")
                return
            }
            state.producerEnded([:], cause: nil, now: now)
            #expect(state.takeRecordMemory() == [.used(id)], "sent again, and not counted")
        }
        guard case .commit(let producer, let progress) = state.next(now: now) else {
            Issue.record("nothing is committed")
            return
        }
        #expect(progress[0]?.last?.position == 3)
        state.committed(producer: producer, nil, now: now)
        #expect(state.takeRecordMemory() == [])
        #expect(state.takeResolved().map(\.id) == [id])
    }

    /// Has a producer own its id, the segment and its topic.
    private func begin(_ state: inout DeliveryState, _ now: inout DeliveryState.Moment) {
        for _ in 0..<20 {
            switch state.next(now: now) {
            case .startProducer: state.producerStarted(largestBatch: 0, now: now)
            case .initializeTransactions(let number): state.initialized(producer: number, .success(()), now: now)
            case .takeOver(let number, let segments, _):
                let beginnings = segments.map { segment in
                    (
                        segment,
                        ExactlyOnceState.Beginning.after(
                            SegmentProgress(lineage: "l", epoch: segment.epoch, transactionalID: "own"))
                    )
                }
                state.tookOver(
                    producer: number, .success(Dictionary(beginnings) { first, _ in first }), now: now)
            case .commit(let number, _): state.committed(producer: number, nil, now: now)
            case .ask(let question):
                let answers = question.topics.map { topic in
                    DeliveryState.TopicAnswer(
                        answer: .ready(TopicHandle(index: Int32(topic.index), partitionCount: 1)),
                        settings: topic.needsSettings ? TopicSettings() : nil)
                }
                state.answered(question, .success(answers), now: now)
            case .feed: return
            case .wait(let time?): now.instant = time
            case .wait, .record, .endProducer, .stop:
                Issue.record("nothing is to be given to the producer")
                return
            }
        }
    }

    @Test(.onEmbeddedBroker)
    func `while a commit is not answered, the memory of its records is free`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            let once = try ExactlyOnceFixture(place)
            let relay = try once.relay("relay")
            try await once.appendEvents(20)
            try await place.waitForCheckpoints(20)
            await broker.freeze()
            try await once.appendEvents(10)
            try await eventually("nothing is on its way") { relay.publisher.shared.withLock { $0.isWaiting } }
            let memory = relay.source.reader.memory
            let used = memory.bytesUsed
            #expect(used > 0)
            await broker.inject(Fault(.hang, on: .endTxn))
            await broker.thaw()
            try await eventually("it is kept until the commit") { memory.bytesUsed < used }
            #expect(memory.bytesUsed > 0 && relay.publisher.shared.withLock { $0.isWaiting }, "the commit was answered")
            #expect(try await place.checkpoints() == [20, 20])
            await relay.kill()
        }
    }
}
