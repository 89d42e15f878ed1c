import CoreMetrics
import EventSourcing
import Logging
import Synchronization

/// What a consumer's parts share while it is served: its ledger, and the lease it was last checked against.
final class ServingState: Sendable {
    private struct State {
        var ledger = SegmentLedger()
        var totalSegments: Int
        var lease: Int?
        var lastEvent: EventReference?
        var done = 0
        /// When segments that halt are tried again, but for those that a failure of the consumer halts.
        var nextRetry: ContinuousClock.Instant?
        var failures: FailureLog
        /// What segments wait for before their next event, where that is not the consumer's own doing.
        var waits: [Int: String] = [:]

        /// When a segment that halts is tried again.
        func due(_ halt: SegmentHalt) -> ContinuousClock.Instant? { failures.due(halt.segment) ?? nextRetry }
    }

    private let consumer: String
    private let state: Mutex<State>
    private let membership: Membership
    private let metrics: ConsumerMetrics
    private let retryInterval: Duration
    private let logger: Logger
    private let isRetrying: Bool
    /// Woken when something is done; for the writer of checkpoints.
    private let changed: WakeSignal
    /// Woken when a segment turned out to be lost, halts, or is tried again; for the watcher of ownership.
    let ownershipSuspect: WakeSignal

    private let flow: FlowControl
    init(
        _ consumer: String, _ membership: Membership, _ metrics: ConsumerMetrics, flow: FlowControl,
        options: WorkerOptions
    ) {
        self.consumer = consumer
        self.flow = flow
        retryInterval = options.haltRetryInterval
        logger = options.logger
        isRetrying = options.runMode == .continuous
        state = Mutex(
            State(
                totalSegments: options.totalSegments,
                failures: FailureLog(
                    initialInterval: options.failureRetryInterval, maximumInterval: options.haltRetryInterval)))
        self.membership = membership
        self.changed = membership.checkpointsDue
        self.metrics = metrics
        self.ownershipSuspect = membership.observe()
    }

    func withLedger<Value: Sendable>(_ body: (inout SegmentLedger) -> Value) -> Value {
        state.withLock { body(&$0.ledger) }
    }

    /// Over how many segments the consumer's aggregates are spread: as recorded, or as configured before the first start.
    var totalSegments: Int {
        state.withLock { $0.totalSegments }
    }

    /// Takes in how many segments are recorded.
    func spread(over segments: Int) {
        state.withLock { $0.totalSegments = segments }
    }

    /// Notes that everything of the segments up to the position is done, so many events since the last time.
    func finish(_ claims: [SegmentClaim], through position: Int64, events: Int) {
        state.withLock { state in
            state.ledger.finish(claims, through: position)
            for claim in claims {
                state.failures.passed(claim.segment, through: position)
                if !state.waits.isEmpty { state.waits[claim.segment] = nil }
            }
            state.done += events
        }
        if events > 0 { metrics.done.increment(by: events) }
        changed.wake()
    }

    /// Notes that a batch is processed, of which the event at an index is the first.
    func processed(_ batch: FeedBatch, first: Int?) {
        metrics.processed(batch, first: first)
    }

    /// Events done since the start of the process.
    var doneCount: Int { state.withLock { $0.done } }

    /// Notes how a batch ended.
    func finish(_ claims: [SegmentClaim], _ batch: FeedBatch, _ outcome: PublicationOutcome) {
        let (isNew, events) = state.withLock { state in
            var isNew = false
            // What was withdrawn comes again.
            let held = Set(claims.filter { state.ledger.holds($0) }.map(\.segment))
            let events = batch.count(of: held.count == claims.count ? nil : held, before: outcome.halts)
            for claim in claims {
                if let halt = outcome.halts.first(where: { $0.segment == claim.segment }) {
                    isNew = state.ledger.halt(claim, halt) || isNew
                } else {
                    state.ledger.finish([claim], through: batch.through)
                    if state.ledger.takes(claim) {
                        state.failures.passed(claim.segment, through: batch.through)
                    }
                }
            }
            if isNew, state.nextRetry == nil { state.nextRetry = .now.advanced(by: retryInterval) }
            state.done += events
            return (isNew, events)
        }
        if events > 0 { metrics.done.increment(by: events) }
        changed.wake()
        if isNew { ownershipSuspect.wake() }
    }

    // MARK: Controls

    /// Waits until events may pass as the consumer's controls say.
    ///
    /// - Parameter wanted: how many.
    /// - Returns: how many may pass now, at least one; `nil` once the consumer is stopped.
    func admit(_ wanted: Int) async throws -> Int? {
        // Others may own the segments by now.
        while !holdsLease {
            if flow.isClosed { return nil }
            try await Task.sleep(for: .milliseconds(20))
        }
        // This process's part of the rate.
        let share = Double(withLedger { $0.claims.count }) / Double(max(1, totalSegments))
        return share > 0 ? try await flow.admit(wanted, share: share) : 0
    }

    // MARK: Halts

    /// Notes that the consumer failed at an event: everything of the segment before it is done, and the segment halts
    /// there until it is tried again.
    func fail(_ claim: SegmentClaim, _ failure: ConsumerFailure) {
        let noted = state.withLock { state -> (wait: Duration, isFirst: Bool)? in
            guard state.ledger.halt(claim, failure.halt) else { return nil }
            return state.failures.note(failure, now: .now)
        }
        changed.wake()
        ownershipSuspect.wake()
        guard let (wait, isFirst) = noted else { return }
        logger.log(
            level: isFirst ? .error : .info, "\(failure); the segment halts there",
            metadata: isRetrying ? ["retried in": "\(wait)"] : [:])
    }

    /// The halts of the segments, with those at events that failed and are just being tried again.
    var halts: [SegmentHalt] {
        state.withLock { state in
            let halts = state.ledger.halts
            let halting = Set(halts.map(\.segment))
            return (halts + state.failures.halts.filter { !halting.contains($0.segment) })
                .sorted { $0.segment < $1.segment }
        }
    }

    /// Whether the consumer failed at an event of one of the segments, and has not passed it since.
    func isFailing(in segments: Set<Int>) -> Bool {
        state.withLock { state in segments.contains { state.failures.due($0) != nil } }
    }

    /// The failure of the lowest segment that the consumer failed in, and has not passed since.
    var firstFailure: ConsumerFailure? { state.withLock { $0.failures.failures.first } }

    /// Notes that a segment's events are tried again for as long as the database does not let them be handled.
    func wait(_ claim: SegmentClaim, for reason: String) {
        let isNew = state.withLock { state in
            guard state.ledger.holds(claim) else { return false }
            return state.waits.updateValue(reason, forKey: claim.segment) != reason
        }
        if isNew {
            logger.warning("events wait for the database: \(reason)", metadata: ["segment": "\(claim.segment)"])
        }
    }

    /// What an operator is shown of a consumer that has no condition of its own.
    var condition: ConsumerCondition {
        let halts = halts
        if !halts.isEmpty { return .halted(halts.map(\.description).joined(separator: "; ")) }
        return state.withLock { $0.waits.values.min() }.map { .waiting($0) } ?? .flowing
    }

    /// How long until a segment that halts is tried again; `nil` if none halts.
    var timeToRetry: Duration? {
        state.withLock { state in state.ledger.halts.compactMap(state.due).min() }
            .map { max(.zero, ContinuousClock.now.duration(to: $0)) }
    }

    /// Has segments that halt begin anew.
    func retry(_ segments: Set<Int>) {
        let isSome = state.withLock { state in
            defer { if state.ledger.halts.isEmpty { state.nextRetry = nil } }
            return state.ledger.retry(segments)
        }
        if isSome { ownershipSuspect.wake() }
    }

    /// Has the segments that halt begin anew for which it is time.
    func retryIfDue() {
        let now = ContinuousClock.now
        let due = state.withLock { state in
            let due = state.ledger.halts.filter { (state.due($0) ?? now) <= now }
            if let next = state.nextRetry, next <= now { state.nextRetry = nil }
            return due
        }
        if !due.isEmpty { retry(Set(due.map(\.segment))) }
    }

    // MARK: Ownership

    /// Takes in what the database says is owned, as asked for under the lease.
    func own(_ segments: [Segment], under lease: Int) {
        state.withLock { state in
            state.ledger.own(segments)
            let owned = Set(segments.map(\.id))
            state.failures.keep(owned)
            state.waits = state.waits.filter { owned.contains($0.key) }
            state.lease = lease
        }
    }

    /// The event with the highest position that was handed over.
    var lastEvent: EventReference? { state.withLock { $0.lastEvent } }

    /// Notes the last event of what is handed over.
    func sawEvents(through event: EventReference) {
        state.withLock { state in
            if event.position > state.lastEvent?.position ?? 0 { state.lastEvent = event }
        }
    }

    /// Forgets all progress that is not in the checkpoints.
    func forgetProgress() {
        state.withLock { state in
            state.ledger.forget()
            state.lastEvent = nil
        }
    }

    /// Has the segments served anew from their checkpoints: what is known of them here is not what the database knows.
    func restart() {
        state.withLock { $0.lease = nil }
        ownershipSuspect.wake()
    }

    /// Counts the lease as ended that the ownership was checked under: the segments are others' all the same.
    func doubtLease() {
        state.withLock { state in
            if state.lease != nil { state.lease = Self.noLease }
        }
    }

    /// A number that no lease has.
    private static let noLease = -1

    /// Whether the lease that the ownership was checked under still holds, so that the segments may be relied on.
    var holdsLease: Bool {
        guard let current = membership.lease(of: consumer) else { return false }
        return state.withLock { $0.lease } == current
    }

    /// When the lease runs out unless it is prolonged; `nil` where none was begun.
    var leaseEnd: ContinuousClock.Instant? { membership.leaseEnd(of: consumer) }

    /// Gives up what was handed over and is not done, where the lease that the ownership was checked under has ended: it is
    /// handed over again once the segments are known to be still this worker's.
    ///
    /// - Returns: whether there is a lease that has ended.
    func withdraw() -> Bool {
        let current = membership.lease(of: consumer)
        let hasEnded = state.withLock { state in
            guard let lease = state.lease, lease != current else { return false }
            state.lease = nil
            state.ledger.withdraw()
            return true
        }
        if hasEnded { ownershipSuspect.wake() }
        return hasEnded
    }
}

/// The worker's lease ran out while it was working: others may own its segments by now.
struct LeaseLost: Error {}
