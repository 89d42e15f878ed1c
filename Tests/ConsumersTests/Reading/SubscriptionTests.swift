import EventSourcing
import TestSupport
import Testing

@testable import Consumers

@Suite(.timeLimit(.minutes(1))) struct SubscriptionTests {
    private typealias Event = MadeUpEvents.Event

    private let reader = WakeSignal()

    private func subscription(
        after cursor: Int64 = 0, scope: EventScope = .all, target: Int64? = nil, queueBytes: Int = .max,
        starts: [Int64?] = [0]
    ) -> Subscription {
        Subscription(
            id: 1, scope: scope,
            selection: SegmentSelection(
                starts: starts, totalSegments: starts.count, strategy: FNV1aPartitionStrategy()),
            after: cursor, target: target, queueBytes: queueBytes, reader: reader)
    }

    private func batch(_ positions: Int64..., through: Int64? = nil) throws -> LogBatch {
        LogBatch(all: try MadeUpEvents.rows(positions), through: through)
    }

    private func positions(_ batch: FeedBatch?) -> [Int64] {
        guard let batch, let events = batch.events else { return [] }
        return batch.selection.map { events[$0.index].globalPosition }
    }

    /// Takes until the event at a position has come.
    private func drain(_ subscription: Subscription, through end: Int64) async throws -> [Int64] {
        var all: [Int64] = []
        while (all.last ?? 0) < end { all += positions(try await subscription.next()) }
        return all
    }

    // MARK: Offers

    @Test func `batches are taken in the order they were offered in`() async throws {
        let subscription = subscription()
        subscription.offer(try batch(1, 2), [])
        subscription.offer(try batch(3, 5), [])
        #expect(positions(try await subscription.next()) == [1, 2])
        let second = try await subscription.next()
        #expect(positions(second) == [3, 5] && second?.through == 5)
    }

    @Test func `what a batch shares with an earlier one does not come twice`() async throws {
        let subscription = subscription(after: 1)
        subscription.offer(try batch(1, 2, 3), [])
        subscription.offer(try batch(2, 3, 4, 6), [])
        subscription.offer(try batch(5, 6), [])
        subscription.offer(try batch(7), [])
        #expect(try await drain(subscription, through: 7) == [2, 3, 4, 6, 7])
    }

    @Test func `batches that overlap in any way give each event once`() async throws {
        for seed in seeds(200, of: "overlapping batches") {
            var random = Seeded(seed)
            let subscription = subscription()
            var end: Int64 = 0
            var came: [Int64] = []
            while end < 60 {
                // Never behind what was offered; that would be a gap.
                let first = Int64.random(in: max(0, end - 10)...end, using: &random)
                let last = first + Int64.random(in: 1...12, using: &random)
                let rows = try MadeUpEvents.rows(Array((first + 1)...last))
                subscription.offer(LogBatch(all: rows), [])
                end = max(end, last)
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where end > (came.last ?? 0): came += try await drain(subscription, through: end)
                case 1:
                    let position = subscription.dropQueue()
                    #expect(position == (came.last ?? 0), "GODWIT_SEED=\(seed)")
                    end = position
                default: break
                }
            }
            if end > (came.last ?? 0) { came += try await drain(subscription, through: end) }
            guard came == Array(1...end) else {
                Issue.record("GODWIT_SEED=\(seed): \(came)")
                return
            }
        }
    }

    @Test func `only events of the scope and of owned segments come`() async throws {
        var kinds = EventKinds()
        let aggregates = (0..<40).map { "order-\($0)" }
        let strategy = FNV1aPartitionStrategy()
        let events = aggregates.enumerated().map { index, aggregate in
            Event(
                position: Int64(index + 1), context: index.isMultiple(of: 2) ? "Shop" : "Identity", aggregate: aggregate
            )
        }
        let rows = try MadeUpEvents.rows(events, kinds: { kinds.number(of: $0) })
        // Segment 0 was handed over up to position 10, segment 1 belongs to another worker.
        let subscription = subscription(scope: EventScope(boundedContexts: ["Shop"]), starts: [10, nil, 0])
        subscription.offer(LogBatch(all: rows), kinds.kinds)
        let expected = rows.events.filter { event in
            let segment = strategy.segment(of: event.aggregateID, totalSegments: 3)
            return event.globalPosition % 2 == 1 && segment != 1 && (segment == 2 || event.globalPosition > 10)
        }
        #expect(expected.count > 5)
        #expect(positions(try await subscription.next()) == expected.map(\.globalPosition))
    }

    @Test func `a batch without a wanted event takes no room, and counts as progress`() async throws {
        var kinds = EventKinds()
        let rows = try MadeUpEvents.rows([Event(position: 1), Event(position: 2)], kinds: { kinds.number(of: $0) })
        let subscription = subscription(scope: EventScope(boundedContexts: ["Other"]))
        subscription.offer(LogBatch(all: rows), kinds.kinds)
        #expect(subscription.dropQueue() == 2, "nothing waits to be taken")
        subscription.advance(to: 9, isDue: true)
        let progress = try await subscription.next()
        #expect(progress?.events == nil && progress?.through == 9)
    }

    // MARK: Progress

    @Test func `progress is told only once, when it is due, and behind the events before it`() async throws {
        let subscription = subscription()
        subscription.offer(try batch(1), [])
        subscription.advance(to: 5, isDue: true)
        #expect(positions(try await subscription.next()) == [1])
        subscription.advance(to: 7, isDue: false)
        subscription.advance(to: 6, isDue: true)
        #expect(try await subscription.next()?.through == 7)
        let next = Task { try await subscription.next() }
        subscription.advance(to: 7, isDue: true)
        subscription.offer(try batch(8), [])
        #expect(positions(try await next.value) == [8])
    }

    @Test func `dropping the queue gives the position to go on from`() async throws {
        let subscription = subscription()
        subscription.offer(try batch(1, 2), [])
        subscription.offer(try batch(3), [])
        _ = try await subscription.next()
        #expect(subscription.dropQueue() == 2)
        subscription.advance(to: 2, isDue: false)
        subscription.offer(try batch(3, 4), [])
        #expect(positions(try await subscription.next()) == [3, 4])
        subscription.advance(to: 9, isDue: false)
        #expect(subscription.dropQueue() == 9, "nothing up to there is wanted")
    }

    @Test func `a subscription with a target ends behind it`() async throws {
        let subscription = subscription(target: 5)
        subscription.offer(try batch(1, 4), [])
        subscription.advance(to: 4, isDue: false)
        #expect(positions(try await subscription.next()) == [1, 4])
        let rest = Task {
            var ends: [Int64] = []
            while let batch = try await subscription.next() { ends.append(batch.through) }
            return ends
        }
        subscription.advance(to: 5, isDue: false)
        #expect(try await deadline { try await rest.value } == [5])
        #expect(try await subscription.next() == nil)
    }

    // MARK: Endings

    @Test func `finished, it gives nothing any more, whatever waits`() async throws {
        let subscription = subscription()
        subscription.offer(try batch(1), [])
        subscription.finish()
        subscription.interrupt()
        subscription.offer(try batch(2), [])
        #expect(try await subscription.next() == nil)
    }

    @Test func `interrupted, it throws, also to the one who waits`() async throws {
        let subscription = subscription()
        let waiting = Task { try await subscription.next() }
        try await eventually("nobody waits") { subscription.demand(isReaderWaiting: false).isHungry }
        subscription.interrupt()
        await #expect(throws: SubscriptionInterrupted.self) { try await waiting.value }
        await #expect(throws: SubscriptionInterrupted.self) { try await subscription.next() }
    }

    @Test func `a cancelled wait ends, and loses nothing that is offered later`() async throws {
        let subscription = subscription()
        for position in Int64(1)...50 {
            let waiting = Task { try await subscription.next() }
            if position.isMultiple(of: 2) {
                try await eventually("nobody waits") { subscription.demand(isReaderWaiting: false).isHungry }
            }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await deadline { try await waiting.value } }
            subscription.offer(try batch(position), [])
            #expect(positions(try await subscription.next()) == [position])
        }
    }

    // MARK: Demand

    @Test func `there is room until batches or bytes are too many, and hunger only while a consumer waits for nothing`()
        async throws
    {
        let one = try batch(1).memorySize
        let subscription = subscription(queueBytes: 2 * one)
        #expect(subscription.demand(isReaderWaiting: false) == (true, false))
        subscription.offer(try batch(1), [])
        #expect(subscription.demand(isReaderWaiting: false).hasRoom)
        subscription.offer(try batch(2), [])
        #expect(!subscription.demand(isReaderWaiting: true).hasRoom)
        _ = try await subscription.next()
        #expect(await reader.wait(atMost: .seconds(10)), "the reader wanted to know")
        #expect(subscription.demand(isReaderWaiting: false).hasRoom)
        _ = try await subscription.next()
        let waiting = Task { try await subscription.next() }
        try await eventually("nobody waits") { subscription.demand(isReaderWaiting: false).isHungry }
        subscription.offer(try batch(3), [])
        #expect(!subscription.demand(isReaderWaiting: false).isHungry)
        _ = try await waiting.value
    }

    @Test func `there is no room for more than so many batches`() throws {
        let subscription = subscription()
        for position in 1...Int64(Subscription.mostBatches) {
            #expect(subscription.demand(isReaderWaiting: false).hasRoom)
            subscription.offer(try batch(position), [])
        }
        #expect(!subscription.demand(isReaderWaiting: false).hasRoom)
    }
}
