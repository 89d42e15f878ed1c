import Consumers
import EventSourcing
import Kafka

/// Batches come, and the segments that they are of.
extension DeliveryState {
    /// Takes a batch over.
    ///
    /// - Returns: its id.
    mutating func accept(_ batch: FeedBatch, _ events: EventBatch, now: Moment) -> Int {
        let entries = batch.selection.map { selected in
            InFlightBatch.Entry(
                row: selected.index, segment: selected.segment,
                state: forgotten.contains(selected.segment) ? .dropped : .open)
        }
        return append(events, through: batch.through, isFull: batch.isFull, isRedrive: false, entries, now: now)
    }

    /// Takes parked events of an aggregate over, to be delivered again: one after the other, so that what follows goes
    /// nowhere, not to another topic either, before an event is there.
    mutating func accept(redrive plan: RedrivePlan, _ events: EventBatch, segment: Int, now: Moment) -> Int {
        let entries = plan.deliver.indices.map { InFlightBatch.Entry(row: $0, segment: segment, isRetriedAlone: true) }
        for entry in entries {
            // An operator may have raised a limit.
            if case .success(let topic) = topic(for: events, entry.row) { topics.forgetSettings(of: topic) }
        }
        return append(events, through: 0, isFull: false, isRedrive: true, entries, now: now)
    }

    /// Whether a segment is served as it was when the caller looked.
    func serves(_ segment: ServedSegment) -> Bool { !segment.isOtherAttempt(than: served[segment.segment]) }

    mutating func append(
        _ events: EventBatch, through: Int64, isFull: Bool, isRedrive: Bool, _ entries: [InFlightBatch.Entry],
        now: Moment
    ) -> Int {
        lastID += 1
        batches.append(
            InFlightBatch(
                id: lastID, events: events, through: through, isFull: isFull, isRedrive: isRedrive, entries: entries))
        if isRedrive { redriveCount += 1 }
        silentSince = silentSince ?? now
        nextPartitionLook = nextPartitionLook ?? now.instant + options.partitionLookInterval
        resolve()
        return lastID
    }

    /// The caller waits for a batch no more, and hands its events over again. What the producer was given of it goes on by
    /// itself, in its order; nothing that follows in its segments goes before them, until the segments begin anew.
    mutating func forget(_ id: Int) {
        halts.forget(inFlight: id)
        guard let index = index(of: id), !batches[index].isResolved else { return }
        if batches[index].isRedrive {
            if batches[index].isInTransaction { abandonTransaction() }
            drop(at: index) { _ in true }
            redriveCount -= 1
        } else {
            let segments = Set(batches[index].entries.map(\.segment))
            giveUp(segments)
            // What follows does not pass them.
            for segment in segments { halts.end(segment) }
        }
        batches[index].isResolved = true
        if batches[index].attempt?.isOpened != true { remove(at: index) }
        resolve()
    }

    /// Leaves all that is not done of some segments to be handed over again.
    private mutating func giveUp(_ segments: Set<Int>) {
        forgotten.formUnion(segments)
        if isInTransaction(anyOf: segments) { abandonTransaction() }
        for index in batches.indices { drop(at: index) { segments.contains($0) } }
    }

    /// Which segments are served from now on. One that was not before, or comes with another epoch or attempt, begins anew.
    ///
    /// - Returns: those that begin.
    mutating func serve(_ segments: [ServedSegment]) -> [ServedSegment] {
        let now = Dictionary(segments.map { ($0.segment, $0) }) { first, _ in first }
        var ended: Set<Int> = []
        for (segment, before) in served where before.isOtherAttempt(than: now[segment]) {
            ended.insert(segment)
            parked.end(segment)
            topics.endProbes(of: segment)
            if let after = now[segment], after.epoch == before.epoch {
                // An operator may have raised a limit meanwhile.
                if let topic = halts.topic(of: segment) { topics.forgetSettings(of: topic) }
                halts.beginAnew(segment, from: lastID + 1)
            } else {
                halts.end(segment)
            }
        }
        if !ended.isEmpty {
            giveUp(ended)
        }
        exactlyOnce?.serve(now, before: served, ended: ended)
        let begun = segments.filter { served[$0.segment]?.isOtherAttempt(than: $0) ?? true }
        forgotten.subtract(begun.map(\.segment))
        served = now
        resolve()
        return begun
    }

    /// The table of dead letters knows this of segments that begin.
    mutating func learned(_ knowledge: DeadLetterStore.Knowledge, of begun: [ServedSegment]) {
        for segment in begun {
            parked.begin(
                segment.segment, knowledge.waiting[segment.segment] ?? [],
                known: knowledge.known[segment.segment] ?? [:],
                from: lastID + 1)
        }
        for halt in knowledge.halts { _ = halts.takeOver(halt, from: lastID + 1) }
        passedHalts += knowledge.passed.filter { !passedHalts.contains($0) }
    }
}

extension ServedSegment {
    /// Whether nothing that was known of the segment holds any more.
    fileprivate func isOtherAttempt(than other: ServedSegment?) -> Bool {
        other.map { $0.epoch != epoch || $0.attempt != attempt } ?? true
    }
}
