import Consumers
import EventSourcing
import Logging

extension KafkaPublisher {
    /// So many events are delivered at a time, and no more once their payloads add up to so many bytes.
    private static let portion = (events: 100, bytes: 1 << 20)

    /// Delivers an aggregate's parked events in order, up to the first that fails again. Newer ones are parked
    /// meanwhile, and delivered behind them; only when none is left do newer ones flow by themselves.
    func redrive(_ waiting: WaitingAggregate, _ store: DeadLetterStore) async throws {
        let aggregate = waiting.aggregate
        var isReleased = false
        // An operator may have raised a limit.
        limits.removeAll()
        while !isReleased {
            guard let segment = served[waiting.segment] else { return }
            let (taken, events) = try await store.take(
                name, aggregate, in: segment, limit: Self.portion.events, bytes: Self.portion.bytes,
                largest: options.largestRecord)
            let plan = RedrivePlan(taken: taken, read: events.map(\.globalPosition))
            guard var outcome = try await deliver(plan, events, waiting) else { return }
            if let missing = plan.missing, outcome.failed == nil {
                outcome.failed = RedriveOutcome.Failed(
                    position: missing, reason: .missing, error: "the event is no longer in the store: discard it")
            }
            outcome.left += plan.left
            try await recording {
                let size = try await store.settle(name, aggregate, outcome)
                isReleased = parked.found(size, of: aggregate, in: waiting.segment)
            }
            tellRedriven(aggregate, outcome)
            // What follows waits to be noted, and comes with the next look.
            if outcome.failed != nil || (taken.isEmpty && !isReleased) { return }
        }
    }

    /// `nil` if the segment was lost or began anew meanwhile: whoever serves it takes the events up again.
    private func deliver(
        _ plan: RedrivePlan, _ events: EventBatch, _ waiting: WaitingAggregate
    ) async throws -> RedriveOutcome? {
        if plan.deliver.isEmpty { return RedriveOutcome() }
        let id = takeRedriven(plan, events, waiting)
        do {
            try await deliver(id)
        } catch {
            forget(id)
            throw error
        }
        guard let index = index(of: id) else { return nil }
        return inFlightBatches.remove(at: index).redriveOutcome
    }

    private func takeRedriven(_ plan: RedrivePlan, _ events: EventBatch, _ waiting: WaitingAggregate) -> Int {
        var entries: [InFlightBatch.Entry] = []
        var flaws: [(index: Int, flaw: Rejection)] = []
        for row in 0..<plan.deliver.count {
            var entry = InFlightBatch.Entry(row: row, segment: waiting.segment, topic: 0)
            // One after the other: what follows goes nowhere, not to another topic either, before this is there.
            entry.isSuspect = true
            switch topic(for: events, row) {
            case .success(let topic): entry.topic = topic
            case .failure(let flaw): flaws.append((entries.count, flaw))
            }
            entries.append(entry)
        }
        nextID += 1
        inFlightBatches.append(
            InFlightBatch(id: nextID, events: events, through: 0, entries: entries, isRedrive: true))
        for (index, flaw) in flaws { convict(FailureAssessment.Entry(inFlight: nextID, index: index), flaw) }
        return nextID
    }

    private func tellRedriven(_ aggregate: AggregateIdentity, _ outcome: RedriveOutcome) {
        tellParked()
        let subject: Logger.Metadata = [
            "bounded_context": "\(aggregate.boundedContext)", "aggregate_type": "\(aggregate.aggregateType)",
            "aggregate_id": "\(aggregate.aggregateID)",
        ]
        if !outcome.delivered.isEmpty {
            logger.notice(
                "redrove parked events", metadata: subject.merging(["events": "\(outcome.delivered.count)"]) { $1 })
        }
        if let failed = outcome.failed {
            logger.error(
                "a parked event cannot be delivered this time either: \(failed.error)",
                metadata: subject.merging(["position": "\(failed.position)"]) { $1 })
        }
    }
}

extension InFlightBatch {
    /// How the delivery of parked events ended; `nil` if they were dropped.
    fileprivate var redriveOutcome: RedriveOutcome? {
        var outcome = RedriveOutcome()
        for index in entries.indices {
            switch entries[index].state {
            case .acknowledged, .settled: outcome.delivered.append(position(of: index))
            case .failed:
                let flaw = flaws[index] ?? .follows
                outcome.failed = .init(position: position(of: index), reason: flaw.reason, error: flaw.error)
            case .open, .dropped, .parking: outcome.left.append(position(of: index))
            }
        }
        return outcome.left.isEmpty || outcome.failed != nil ? outcome : nil
    }
}
