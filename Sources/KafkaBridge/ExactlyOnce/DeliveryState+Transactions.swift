import Consumers
import EventSourcing
import Kafka
import Postgres

/// Exactly once: records are given to the producer in transactions, and nothing counts as delivered before its transaction
/// is committed.
extension DeliveryState {
    var isExactlyOnce: Bool { exactlyOnce != nil }

    /// Whether something was given to the producer that is not committed.
    var hasOpenTransaction: Bool {
        exactlyOnce.map { $0.transaction.isOpen || $0.transaction.isCommitting } ?? false
    }

    // MARK: Preparing

    /// What has to be done before records may be given to the producer.
    mutating func preparation(_ now: Moment) -> Action? {
        guard let preparation = exactlyOnce?.preparation(of: served, now: now.instant) else { return nil }
        exactlyOnce?.beganPreparing()
        switch preparation {
        case .initialize: return .initializeTransactions(producer: producerCount)
        case .takeOver(let segments, let known): return .takeOver(producer: producerCount, segments, known: known)
        }
    }

    /// When what could not be done is tried again.
    func nextPreparation(_ now: Moment) -> ContinuousClock.Instant? {
        let times = [exactlyOnce?.retryAt, exactlyOnce?.nextQuestion].compactMap { $0 }.filter { $0 > now.instant }
        let transaction = exactlyOnce.flatMap { state in
            state.transaction.opensAt(now.instant) ?? state.transaction.gathers(state.limits, now: now.instant)
        }
        return (times + [transaction].compactMap { $0 }).min()
    }

    /// The producer owns its transactional id, or why it does not yet.
    mutating func initialized(producer: Int, _ result: Result<Void, any Error>, now: Moment) {
        guard producer == producerCount, case .running = life else { return }
        guard case .failure(let error) = result else {
            exactlyOnce?.initialized()
            return
        }
        let (trouble, pause) = (trouble(error), options.pause)
        exactlyOnce?.notPrepared(trouble, now: now.instant, pause)
        // An instance whose first call has failed is not called again.
        producerFailed()
    }

    /// How taking segments over ended, or why it could not be done.
    mutating func tookOver(
        producer: Int, _ result: Result<[ServedSegment: ExactlyOnceState.Beginning], any Error>, now: Moment
    ) {
        guard producer == producerCount, case .running = life else { return }
        let (served, pause) = (served, options.pause)
        switch result {
        case .success(let beginnings):
            exactlyOnce?.tookOver(beginnings, served: served)
            notices.append(.tookOver(beginnings.values.count { $0 != .lost }))
        case .failure(let error):
            let trouble = trouble(error)
            exactlyOnce?.notPrepared(trouble, now: now.instant, pause)
        }
    }

    private func trouble(_ error: any Error) -> PublisherStatus {
        switch error {
        case let error as ExactlyOnceRefusal: .refused(error.description)
        case let error as KafkaError where error.classification.kind == .refused: .refused(error.description)
        default: .waiting("segments are being taken over: \(error)")
        }
    }

    /// Segments turned out to be others': nothing of them may be committed, nor counted as parked. At least once, that their
    /// checkpoints cannot be moved any more is enough.
    mutating func lose(_ segments: Set<Int>) {
        guard isExactlyOnce, !segments.isEmpty else { return }
        exactlyOnce?.lose(segments)
        abandonTransaction()
    }

    func isLost(_ segment: Int) -> Bool { exactlyOnce?.isLost(segment) ?? false }

    /// Whether segments turned out to be others', so that the ownership is to be asked for again now.
    mutating func asksForOwnership(_ now: Moment) -> Bool {
        let pause = options.pause
        return exactlyOnce?.asksForOwnership(now.instant, pause) ?? false
    }

    // MARK: Events

    /// Whether an event is delivered already, by a transaction of a former owner, or one whose commit was not answered.
    mutating func isDeliveredBefore(_ place: FailureAssessment.Entry, at index: Int, isRedrive: Bool) -> Bool {
        let (segment, event) = (batches[index].entries[place.index].segment, batches[index].event(of: place.index))
        guard exactlyOnce?.isDelivered(event, in: segment, isRedrive: isRedrive) == true else { return false }
        batches[index].entries[place.index].state = .settled
        return true
    }

    /// Whether the open transaction has records of one of the segments, or is about to.
    func isInTransaction(anyOf segments: Set<Int>) -> Bool {
        guard isExactlyOnce else { return false }
        return batches.contains { batch in
            batch.isInTransaction
                && batch.entries.contains { entry in
                    segments.contains(entry.segment)
                        && (entry.state == .uncommitted || (entry.state == .open && batch.attempt?.isOpened == true))
                }
        }
    }

    /// What is in the open transaction comes again, or is another's by now: it must not be committed.
    mutating func abandonTransaction() {
        if isExactlyOnce { withRunning { $0.isAbandoned = true } }
    }

    // MARK: Committing

    /// The commit of what is there, once nothing more can be added.
    mutating func commit(_ now: Moment) -> Action? {
        guard let id = options.transactionalID, let exactlyOnce, exactlyOnce.transaction.takesRecords,
            exactlyOnce.transaction.isOpen || exactlyOnce.hasUnrecordedOwners,
            exactlyOnce.transaction.gathers(exactlyOnce.limits, now: now.instant) == nil
        else { return nil }
        // Of a batch that is given in parts, the rest follows at once; and what is parked has to be recorded before the
        // progress passes it.
        let isPartlyFed = batches.contains { batch in
            guard let attempt = batch.attempt, attempt.isOpened else { return false }
            return !attempt.isFed || attempt.isWaitingForFirst
        }
        if isPartlyFed || !batchesWithParking.isEmpty || isRecording { return nil }
        let (deliveries, served) = (deliveries, served)
        guard let progress = self.exactlyOnce?.commit(deliveries, served: served, id: id, now: now.instant) else {
            abandonTransaction()
            return nil
        }
        return .commit(producer: producerCount, progress)
    }

    /// What the open transaction delivers, by segment.
    private var deliveries: [Int: TransactionState.Delivery] {
        var deliveries: [Int: TransactionState.Delivery] = [:]
        let hasParked = exactlyOnce?.hasParked == true
        for batch in batches where batch.isInTransaction {
            let (entries, events) = (batch.entries, batch.events)
            // Of each segment the last event counts.
            var last: [Int: (position: Int64, row: Int)] = [:]
            func add(_ index: Int) {
                let entry = entries[index]
                let position = events[entry.row].globalPosition
                if batch.isRedrive {
                    deliveries[entry.segment, default: .init()].redriven.append(position)
                    return
                }
                if position > last[entry.segment]?.position ?? .min { last[entry.segment] = (position, entry.row) }
                if hasParked, exactlyOnce?.isParked(position, in: entry.segment) == true {
                    deliveries[entry.segment, default: .init()].unparked.append(position)
                }
            }
            if let attempt = batch.attempt, attempt.isOpened {
                for index in attempt.entries where entries[index].state != .dropped { add(index) }
            }
            for index in entries.indices where entries[index].state == .uncommitted { add(index) }
            for (segment, found) in last where found.position > deliveries[segment]?.last?.position ?? .min {
                deliveries[segment, default: .init()].last = EventReference(events[found.row])
            }
        }
        return deliveries
    }

    /// The transaction is committed, or why that is not known.
    mutating func committed(producer: Int, _ error: KafkaError?, now: Moment) {
        guard producer == producerCount, case .running(let running) = life, !running.hasFailed, !running.isAbandoned
        else { return }
        if let error {
            exactlyOnce?.failed(error)
            return producerFailed()
        }
        let (id, served) = (options.transactionalID ?? "", served)
        let began = exactlyOnce?.transaction.began ?? now.instant
        exactlyOnce?.committed(id: id, served: served, now: now.instant)
        var published = 0
        for index in batches.indices {
            // The commit waits for all reports, though some may not have been taken in yet.
            if let attempt = batches[index].attempt, attempt.isOpened {
                openGate(attempt, now)
                _ = end(attempt: index, .delivered)
            }
            let count = batches[index].endTransaction(isCommitted: true)
            if count > 0 { noteProgress(of: batches[index].id, now) }
            published += count
        }
        withRunning { $0.isQueueFull = false }
        if published > 0 {
            notices += [.published(published), .committed(events: published, now.instant - began)]
        }
        (runTrouble, askTrouble) = (nil, nil)
        runBackoff.reset()
        for index in batches.indices.reversed() where batches[index].isResolved { remove(at: index) }
        resolve()
    }

    /// Segments are about to be released: nothing more of them is delivered under this claim.
    ///
    /// - Returns: those of which nothing is open.
    mutating func release(_ segments: Set<Int>) -> [ServedSegment] {
        let committing = exactlyOnce?.transaction.deliveries ?? [:]
        let released = segments.filter { committing[$0] == nil && !isInTransaction(anyOf: [$0]) }
        exactlyOnce?.release(released)
        return released.sorted().compactMap { served[$0] }
    }

    /// The table of dead letters knows that these were delivered again.
    mutating func settledRedrive(_ positions: [Int64], in segment: Int) {
        exactlyOnce?.noteRedriven(positions, in: segment)
    }
}
