import Consumers
import EventSourcing
import Kafka
import Logging
import Postgres

/// What a publisher does beside its batches, for as long as something halts or is parked; it asks nothing otherwise. It
/// records halts, has segments begin anew when what they halted at may be gone, and delivers parked events again once an
/// operator asks for it.
struct DeadLetterDuty: Sendable {
    let publisher: KafkaPublisher
    /// Has segments that halt begin anew.
    let retry: @Sendable (_ segments: Set<Int>) -> Void
    /// Waits until so many events may pass, or fewer; `nil` once the consumer is stopped.
    let admit: @Sendable (_ wanted: Int) async throws -> Int?

    /// So many events are delivered at a time, and no more once their payloads add up to so many bytes.
    private static let portion = (events: 100, bytes: 1 << 20)

    private var name: String { publisher.name }

    func run() async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await repeating(.halts, watchHalts) }
            if let store = publisher.options.deadLetters {
                // Beside it, since a consumer that is paused delivers nothing again, but its halts are decided about.
                group.addTask {
                    try await repeating(.parked) { try await publisher.redriving { try await redriveReady(store) } }
                }
            }
            defer { group.cancelAll() }
            try await group.waitForAll()
        }
    }

    private func repeating(
        _ duty: DeliveryState.Duties, _ body: @Sendable () async throws -> Void
    ) async throws {
        while true {
            let seen = publisher.attention.generation
            try await publisher.checkGoing()
            guard await publisher.look({ $0.duties }).contains(duty) else {
                await publisher.attention.wait(after: seen)
                continue
            }
            _ = try await publisher.attempt(body)
            try await Task.sleep(for: publisher.options.decisionInterval)
        }
    }

    // MARK: Halts

    private func watchHalts() async throws {
        let retries = await publisher.look { $0.retries(.now) }
        if !retries.isEmpty { retry(retries) }
        guard let store = publisher.options.deadLetters else { return }
        let (unrecorded, passed) = await publisher.look { ($0.halts.unrecorded, $0.passedHalts) }
        if !unrecorded.isEmpty {
            try await store.record(name, unrecorded, as: .halted)
            await publisher.withState { $0.recordedHalts(unrecorded) }
        }
        if !passed.isEmpty {
            try await store.passed(name, passed)
            await publisher.withState { $0.recordedPassed(passed) }
        }
        let decidable = await publisher.look { $0.halts.decidable }
        if decidable.isEmpty { return }
        let decided = Set(try await store.decided(name, decidable.map(\.position)))
        let segments = Set(decidable.filter { decided.contains($0.position) }.map(\.segment))
        if !segments.isEmpty { retry(segments) }
    }

    // MARK: Parked events

    private func redriveReady(_ store: DeadLetterStore) async throws {
        var waiting: [WaitingAggregate] = []
        try await publisher.withTable {
            let segments = await publisher.look { Array($0.served.keys) }
            let found = try await store.waiting(name, segments: segments)
            await publisher.withState { $0.found(found) }
            waiting = found
        }
        for aggregate in waiting where aggregate.isReady { try await redrive(aggregate, store) }
    }

    /// Delivers an aggregate's parked events in order, up to the first that fails again. Newer ones are parked
    /// meanwhile, and delivered behind them; only when none is left do newer ones flow by themselves.
    private func redrive(_ waiting: WaitingAggregate, _ store: DeadLetterStore) async throws {
        let aggregate = waiting.aggregate
        var isReleased = false
        while !isReleased {
            guard let limit = try await admit(Self.portion.events),
                let segment = await publisher.look({ $0.served[waiting.segment] })
            else { return }
            let (taken, events) = try await store.take(
                name, aggregate, in: segment, limit: limit, bytes: Self.portion.bytes,
                largest: publisher.options.largestPayload(publisher.options.largestRecord))
            let plan = RedrivePlan(taken: taken, read: events.map(\.globalPosition))
            guard var outcome = try await deliver(plan, events, segment) else { return }
            if let missing = plan.missing, outcome.failed == nil {
                outcome.failed = RedriveOutcome.Failed(
                    position: missing, reason: .missing, error: "the event is no longer in the store: discard it")
            }
            outcome.left += plan.left
            try await publisher.withTable {
                let size = try await store.settle(name, aggregate, in: segment, outcome)
                let delivered = outcome.delivered
                isReleased = await publisher.withState { state in
                    state.settledRedrive(delivered, in: waiting.segment)
                    return state.found(size, of: aggregate, in: waiting.segment)
                }
            }
            report(aggregate, outcome)
            await publisher.redrove(outcome.delivered.count)
            // What follows waits to be recorded, and comes with the next look.
            if outcome.failed != nil || (taken.isEmpty && !isReleased) { return }
        }
    }

    private func deliver(_ plan: RedrivePlan, _ events: EventBatch, _ segment: ServedSegment) async throws
        -> RedriveOutcome?
    {
        plan.deliver.isEmpty ? RedriveOutcome() : try await publisher.redrive(plan, events, segment: segment)
    }

    private func report(_ aggregate: AggregateIdentity, _ outcome: RedriveOutcome) {
        let subject: Logger.Metadata = [
            "bounded_context": "\(aggregate.boundedContext)", "aggregate_type": "\(aggregate.aggregateType)",
            "aggregate_id": "\(aggregate.aggregateID)",
        ]
        if !outcome.delivered.isEmpty {
            publisher.logger.notice(
                "redrove parked events", metadata: subject.merging(["events": "\(outcome.delivered.count)"]) { $1 })
        }
        if let failed = outcome.failed {
            publisher.logger.error(
                "a parked event cannot be delivered this time either: \(failed.error)",
                metadata: subject.merging(["position": "\(failed.position)"]) { $1 })
        }
    }
}
