import EventSourcing
import FoundationEssentials
import Testing

@testable import Consumers
@testable import Kafka
@testable import KafkaBridge

/// What one consumer's delivery does next, step by step.
@Suite struct DeliveryStateTests {
    private let start = DeliveryState.Moment(instant: .now, microseconds: 1_000_000_000_000)
    private let strict = TopicSettings(["max.message.bytes": "200"])

    private func at(_ seconds: Double) -> DeliveryState.Moment {
        DeliveryState.Moment(
            instant: start.instant + .seconds(seconds), microseconds: start.microseconds + Int64(seconds * 1_000_000))
    }

    private func state(_ policy: PoisonPolicy = .halt) throws -> DeliveryState {
        DeliveryState(
            DeliveryState.Options(
                consumer: "c", route: Route(topic: try TopicTemplate("{event_type}")), onPoison: policy, canPark: true,
                pause: { _ in .seconds(1) }))
    }

    private func batch(_ types: [String], from position: Int64 = 1, bytes: Int = 3) throws -> FeedBatch {
        try FeedBatch(
            types.enumerated().map { index, type in
                PersistedEvent(
                    globalPosition: position + Int64(index), boundedContext: "c", aggregateType: "t",
                    aggregateID: "a\(index)", eventType: type, payload: [UInt8](repeating: 1, count: bytes))
            })
    }

    private func accept(_ state: inout DeliveryState, _ batch: FeedBatch, at seconds: Double = 0) throws -> Int {
        state.accept(batch, try #require(batch.events), now: at(seconds))
    }

    /// Answers the question that is asked now.
    private func answer(
        _ state: inout DeliveryState, at seconds: Double = 0, settings: TopicSettings = TopicSettings(),
        _ answer: (TopicName) -> KafkaError? = { _ in nil }
    ) throws {
        guard case .ask(let question) = state.next(now: at(seconds)) else {
            Issue.record("nothing is asked")
            return
        }
        let answers = question.topics.map { topic -> DeliveryState.TopicAnswer in
            if let error = answer(topic.name) { return .init(answer: .refused(error)) }
            return .init(
                answer: .ready(TopicHandle(index: Int32(topic.index), partitionCount: 1)),
                settings: topic.needsSettings ? settings : nil)
        }
        state.answered(question, .success(answers), now: at(seconds))
    }

    /// Gives everything to the producer that it is to be given now.
    private func give(_ state: inout DeliveryState, at seconds: Double = 0) -> [Int] {
        var given: [Int] = []
        while let feed = state.nextFeed(at(seconds)) {
            state.fed(feed, feed.records.count, isFull: false, now: at(seconds))
            given.append(feed.batch)
        }
        return given
    }

    private func startProducer(_ state: inout DeliveryState, at seconds: Double = 0) {
        guard case .startProducer = state.next(now: at(seconds)) else {
            Issue.record("no producer is built")
            return
        }
        state.producerStarted(largestBatch: 0, now: at(seconds))
    }

    private func endProducer(
        _ state: inout DeliveryState, _ outcomes: [Int: RecordOutcomes], cause: KafkaError? = nil,
        at seconds: Double = 0
    ) {
        state.producerFailed()
        guard case .endProducer = state.next(now: at(seconds)) else {
            Issue.record("the producer is not ended")
            return
        }
        state.producerEnded(outcomes, cause: cause, now: at(seconds))
    }

    private func isWaiting(_ state: inout DeliveryState, at seconds: Double = 0) -> Bool {
        guard case .wait(let time) = state.next(now: at(seconds)) else { return false }
        return time.map { $0 > at(seconds).instant } ?? true
    }

    // MARK: Producers

    @Test func `a producer that ends although nothing was given to it is not replaced without a pause`() throws {
        var state = try state()
        startProducer(&state)
        endProducer(&state, [:], cause: KafkaError(.clusterAuthorizationFailed))
        let isWaiting1 = isWaiting(&state)
        #expect(isWaiting1)
        #expect(
            state.status(now: start).name == .refused && state.status(now: start).reason?.contains("CLUSTER") == true)
        startProducer(&state, at: 1)
    }

    @Test func `what refuses everything is no longer reported once nothing is to be delivered`() throws {
        var state = try state()
        _ = state.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)])
        let id = try accept(&state, try batch(["a"]))
        startProducer(&state)
        try answer(&state)
        let given6 = give(&state)
        #expect(given6 == [id])
        var outcome = RecordOutcomes(acknowledged: [false])
        outcome.failures = [(0, .clusterAuthorizationFailed)]
        endProducer(&state, [id: outcome])
        #expect(state.status(now: start).name == .refused)
        _ = state.serve([])
        startProducer(&state, at: 1)
        state.watch(at(2))
        #expect(state.status(now: at(2)).name == .refused, "this producer may be refused as well")
        state.watch(at(20))
        #expect(state.status(now: at(20)) == .flowing)
    }

    /// One that is replaced because a topic takes smaller batches ends once nothing is under way.
    @Test func `a producer with larger batches than a topic takes is replaced at once, and counts as no failure`()
        throws
    {
        var state = try state()
        let id = try accept(&state, try batch(["a"]))
        guard case .startProducer = state.next(now: start) else {
            Issue.record("no producer")
            return
        }
        state.producerStarted(largestBatch: 1_000_000, now: start)
        try answer(&state, settings: TopicSettings(["max.message.bytes": "2000"]))
        guard case .endProducer = state.next(now: start) else {
            Issue.record("the producer is kept")
            return
        }
        _ = state.takeNotices()
        state.producerEnded([:], cause: nil, now: start)
        #expect(!state.takeNotices().contains { if case .failed = $0 { true } else { false } })
        startProducer(&state)
        try answer(&state, settings: TopicSettings(["max.message.bytes": "2000"]))
        let given7 = give(&state)
        #expect(given7 == [id])
    }

    // MARK: Waiting

    @Test func `waiting never ends at once while nothing changes`() throws {
        var state = try state()
        _ = try accept(&state, try batch(["absent"]))
        startProducer(&state)
        var now = 0.0
        // Absent for so long that it counts, and then brokers that answer nothing any more.
        while state.topics.refused.isEmpty, now < 10 {
            if case .ask(let question) = state.next(now: at(now)) {
                state.answered(
                    question, .success([.init(answer: .refused(KafkaError(.unknownTopicOrPartition)))]), now: at(now))
            }
            let isPatient = isWaiting(&state, at: now)
            #expect(isPatient || !state.topics.refused.isEmpty)
            now += 0.1
        }
        let isWaiting2 = isWaiting(&state, at: now)
        #expect(isWaiting2)
        now += 2
        if case .ask(let question) = state.next(now: at(now)) {
            state.answered(question, .failure(KafkaError(.transport)), now: at(now))
        }
        let isWaiting3 = isWaiting(&state, at: now)
        #expect(isWaiting3, "it looks again before its pause is over")
        endProducer(&state, [:], at: now)
        let isWaiting4 = isWaiting(&state, at: now)
        #expect(isWaiting4)
    }

    @Test func `a topic that refuses records, and that no segment waits for, costs nothing`() throws {
        var state = try state()
        _ = state.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)])
        let id = try accept(&state, try batch(["forbidden"]))
        startProducer(&state)
        try answer(&state)
        var outcome = RecordOutcomes(acknowledged: [false])
        outcome.failures = [(0, .topicAuthorizationFailed)]
        // Among others, then alone.
        for _ in 0..<2 {
            let given8 = give(&state)
            #expect(given8 == [id])
            endProducer(&state, [id: outcome])
            startProducer(&state)
            try answer(&state)
        }
        let givenToRefused = give(&state)
        #expect(state.topics.refused == [0] && givenToRefused.isEmpty)
        _ = state.serve([])
        let isWaiting5 = isWaiting(&state, at: 60)
        #expect(isWaiting5)
    }

    // MARK: Limits

    /// The settings that rule an event out are read again before they do; here while its topic is tried with it.
    @Test func `an event that is too large for a topic that is being tried is decided about`() throws {
        var state = try state()
        let segment = ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)
        _ = state.serve([segment])
        let events = try batch(["forbidden"], bytes: 500)
        let first = try accept(&state, events)
        startProducer(&state)
        try answer(&state)
        var outcome = RecordOutcomes(acknowledged: [false])
        outcome.failures = [(0, .topicAuthorizationFailed)]
        for _ in 0..<2 {
            let given9 = give(&state)
            #expect(given9 == [first])
            endProducer(&state, [first: outcome])
            startProducer(&state)
            try answer(&state)
        }
        let given10 = give(&state)
        #expect(given10.isEmpty && state.halts.segments(waitingForTopic: 0) == [0])
        // Later it is tried, and the limit was lowered meanwhile.
        #expect(state.retries(at(60).instant) == [0])
        _ = state.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 1)])
        _ = try accept(&state, events, at: 60)
        let given11 = give(&state, at: 60)
        #expect(given11.isEmpty)
        try answer(&state, at: 60, settings: strict)
        let given12 = give(&state, at: 60)
        #expect(given12.isEmpty)
        #expect(state.halts.unrecorded.map(\.reason) == [.tooLarge])
    }

    @Test func `a limit that was raised is seen before an event is ruled out by the one that was read`() throws {
        var state = try state(.park)
        _ = state.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)])
        startProducer(&state)
        _ = try accept(&state, try batch(["a"], bytes: 500))
        try answer(&state, settings: strict)
        let given13 = give(&state)
        #expect(given13.isEmpty && state.parked.count == 1)
        let later = try accept(
            &state,
            try FeedBatch([
                PersistedEvent(
                    globalPosition: 9, boundedContext: "c", aggregateType: "t", aggregateID: "other", eventType: "a",
                    payload: [UInt8](repeating: 1, count: 500))
            ]), at: 20)
        let given14 = give(&state, at: 20)
        #expect(given14.isEmpty)
        try answer(&state, at: 20, settings: TopicSettings(["max.message.bytes": "2000"]))
        let given15 = give(&state, at: 20)
        #expect(given15 == [later])
    }

    // MARK: Order of decisions

    /// The settings of the first event's topic are out of date when the batch is looked at, and what follows of its aggregate
    /// can never be delivered.
    @Test func `an event is not set aside for what follows it`() throws {
        var state = try state(.park)
        _ = state.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)])
        startProducer(&state)
        func events(_ types: [(type: String, bytes: Int)], from position: Int64) throws -> FeedBatch {
            try FeedBatch(
                types.enumerated().map { index, event in
                    PersistedEvent(
                        globalPosition: position + Int64(index), boundedContext: "c", aggregateType: "t",
                        aggregateID: "same", eventType: event.type,
                        payload: [UInt8](repeating: 1, count: event.bytes))
                })
        }
        let first = try accept(&state, try events([("a", 3), ("b", 3)], from: 1))
        try answer(&state, settings: TopicSettings(["max.message.bytes": "300"]))
        let given1 = give(&state)
        #expect(given1 == [first])
        let isDone1 = state.observed(first, acknowledged: 2, now: start)
        #expect(isDone1)
        // Topic `a` takes 300 bytes as far as is known; it is asked again before it rules an event out. `b` rules its own out.
        let later = try accept(&state, try events([("a", 250), ("b", 3), ("", 3)], from: 10), at: 20)
        let given2 = give(&state, at: 20)
        #expect(given2.isEmpty && state.parked.count == 0, "what follows was decided about before it")
        try answer(&state, at: 20, settings: TopicSettings(["max.message.bytes": "5000"]))
        let given3 = give(&state, at: 20)
        #expect(given3 == [later])
        #expect(state.batches.first { $0.id == later }?.entries.map(\.state) == [.open, .open, .parking])
    }

    // MARK: Alone

    @Test func `what was rejected among others goes while nothing else is under way`() throws {
        var state = try state()
        let first = try accept(&state, try batch(["a", "b", "c"]))
        startProducer(&state)
        try answer(&state)
        let given16 = give(&state)
        #expect(given16 == [first])
        let isDone23 = state.observed(first, acknowledged: 0, now: start)
        #expect(isDone23 == false)
        var outcome = RecordOutcomes(acknowledged: [false, false, false])
        outcome.failures = [(0, .purgedInQueue), (1, .invalidRecord), (2, .purgedInQueue)]
        endProducer(&state, [first: outcome])
        let second = try accept(&state, try batch(["a"], from: 10))
        startProducer(&state)
        try answer(&state)
        // The first goes before it, the third and the next batch behind it.
        let given17 = give(&state)
        #expect(given17 == [first] && state.batches.first?.attempt?.entries == [0])
        let isDone24 = state.observed(first, acknowledged: 1, now: start)
        #expect(isDone24)
        let given18 = give(&state)
        #expect(given18 == [first] && state.batches.first?.attempt?.entries == [1])
        #expect(state.batches.first?.attempt?.isAlone == true)
        let isDone25 = state.observed(first, acknowledged: 1, now: start)
        #expect(isDone25)
        let given19 = give(&state)
        #expect(given19 == [first] && state.batches.first?.attempt?.entries == [2])
        let isDone26 = state.observed(first, acknowledged: 1, now: start)
        #expect(isDone26)
        let given20 = give(&state)
        #expect(given20 == [second])
    }

    /// A redrive's events are all alone, also beside batches that came before.
    @Test func `a redrive waits until nothing else is under way`() throws {
        var state = try state(.park)
        _ = state.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)])
        let live = try accept(&state, try batch(["a"], from: 50))
        startProducer(&state)
        try answer(&state)
        let given21 = give(&state)
        #expect(given21 == [live])
        let parked = try batch(["b"])
        let redrive = state.accept(
            redrive: RedrivePlan(taken: [1], read: [1]), try #require(parked.events), segment: 0, now: start)
        // What it needs is asked meanwhile.
        _ = give(&state)
        #expect(state.index(of: redrive).map { state.batches[$0].attempt == nil } == true)
        let isDone27 = state.observed(live, acknowledged: 1, now: start)
        #expect(isDone27)
        _ = give(&state)
        try answer(&state)
        let given22 = give(&state)
        #expect(given22 == [redrive])
    }
}
