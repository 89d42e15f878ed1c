import CoreMetrics
import EventSourcing
import Synchronization

/// What a consumer's parts share while it is served: its ledger, and the lease it was last checked against.
final class ServingState: Sendable {
    private struct State {
        var ledger = SegmentLedger()
        var lease: Int?
        var lastEvent: EventReference?
        var done = 0
        /// When segments that halt are tried again.
        var nextRetry: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let membership: Membership
    private let metrics: ConsumerMetrics
    private let retryInterval: Duration
    /// Woken when something is done; for the writer of checkpoints.
    private let changed: WakeSignal
    /// Woken when a segment turned out to be lost, halts, or is tried again; for the watcher of ownership.
    let ownershipSuspect: WakeSignal

    init(_ membership: Membership, _ metrics: ConsumerMetrics, retryInterval: Duration) {
        self.retryInterval = retryInterval
        self.membership = membership
        self.changed = membership.checkpointsDue
        self.metrics = metrics
        self.ownershipSuspect = membership.observe()
    }

    func withLedger<Value: Sendable>(_ body: (inout SegmentLedger) -> Value) -> Value {
        state.withLock { body(&$0.ledger) }
    }

    /// Notes that everything of the segments up to the position is done, so many events since the last time.
    func finish(_ claims: [SegmentClaim], through position: Int64, events: Int) {
        state.withLock { state in
            state.ledger.finish(claims, through: position)
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
        let events = batch.count(before: outcome.halts)
        let isNew = state.withLock { state in
            var isNew = false
            for claim in claims {
                if let halt = outcome.halts.first(where: { $0.segment == claim.segment }) {
                    isNew = state.ledger.halt(claim, halt) || isNew
                } else {
                    state.ledger.finish([claim], through: batch.through)
                }
            }
            if isNew, state.nextRetry == nil { state.nextRetry = .now.advanced(by: retryInterval) }
            state.done += events
            return isNew
        }
        if events > 0 { metrics.done.increment(by: events) }
        changed.wake()
        if isNew { ownershipSuspect.wake() }
    }

    // MARK: Halts

    /// How long until segments that halt are tried again; `nil` if none halts.
    var timeToRetry: Duration? {
        state.withLock { $0.nextRetry }.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
    }

    /// Has segments that halt begin anew.
    func retry(_ segments: Set<Int>) {
        let isSome = state.withLock { state in
            defer { if state.ledger.halts.isEmpty { state.nextRetry = nil } }
            return state.ledger.retry(segments)
        }
        if isSome { ownershipSuspect.wake() }
    }

    /// Has all segments that halt begin anew, if it is time.
    func retryIfDue() {
        guard let time = timeToRetry, time <= .zero else { return }
        retry(Set(withLedger { $0.halts.map(\.segment) }))
        // What was lost meanwhile does not halt here any more.
        state.withLock { if $0.ledger.halts.isEmpty { $0.nextRetry = nil } }
    }

    // MARK: Ownership

    /// Takes in what the database says is owned, as asked for under the lease.
    func own(_ segments: [Segment], under lease: Int) {
        state.withLock { state in
            state.ledger.own(segments)
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

    /// Whether the lease that the ownership was checked under still holds, so that the segments may be relied on.
    var holdsLease: Bool {
        guard let current = membership.lease else { return false }
        return state.withLock { $0.lease } == current
    }

    /// Waits until the segments may be relied on again.
    func waitForLease() async throws {
        while !holdsLease { try await Task.sleep(for: .milliseconds(20)) }
    }
}

/// The worker's lease ran out while it was working: others may own its segments by now.
struct LeaseLost: Error {}
