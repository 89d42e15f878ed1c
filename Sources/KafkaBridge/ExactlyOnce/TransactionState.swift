import EventSourcing

/// A transactional producer's transactions, one after the other. A pure value.
///
///     initializing ─▶ idle ─▶ open ─▶ committing ─▶ idle
///           └──────────┴────────┴─────────┴───▶ over
///
/// There is no way back from the end: whatever went wrong, the next producer takes the id over, which settles every open
/// question, and reads what was committed. So a lost answer needs no case of its own.
struct TransactionState: Sendable, Equatable {
    enum Phase: Sendable, Equatable {
        /// The id is being taken over from former producers.
        case initializing
        /// Nothing is in the transaction, and nothing is to be added before the time.
        case idle(from: ContinuousClock.Instant?)
        case open(since: ContinuousClock.Instant)
        case committing(since: ContinuousClock.Instant)
        case over(End)
    }

    /// What is known of the last transaction when its producer ends.
    enum End: Sendable, Equatable {
        /// It was not committed, and never will be.
        case aborted
        /// It may have been committed.
        case unknown
        /// Another producer has taken the id over; what was committed before that stays so.
        case fenced
    }

    /// How large a transaction grows while more events follow.
    struct Limits: Sendable, Equatable {
        var records = 20_000
        var time: Duration = .milliseconds(150)
        /// After a commit brokers mark its end in each partition. A record that comes before that is done is turned away, and
        /// librdkafka waits 20 ms before it tries again.
        var pause: Duration = .milliseconds(2)
        /// A transaction of so many records is one among many events, and waits for more of them, as each transaction costs the
        /// same: librdkafka's main thread spins for up to 1 ms before each of its timers, of which a transaction sets several.
        var busy = 1_000
        /// More is waited for so long after the last.
        var quiet: Duration = .milliseconds(2)
    }

    /// What a transaction delivers of a segment.
    struct Delivery: Sendable, Equatable {
        /// The last event; `nil` if it has redriven ones only.
        var last: EventReference?
        var redriven: [Int64] = []
        /// Those that the progress has as parked, and that came in their turn all the same: the table of dead letters has lost
        /// them, or an operator's decision.
        var unparked: [Int64] = []
        /// The claim under which it is committed, once it is.
        var epoch: Int64?
    }

    private(set) var phase = Phase.initializing
    private(set) var records = 0
    /// When the first record of the transaction was given to the producer; `nil` if nothing is in it.
    private(set) var began: ContinuousClock.Instant?
    private var lastTook: ContinuousClock.Instant?
    /// What the transaction that is being committed delivers, by segment.
    private(set) var deliveries: [Int: Delivery] = [:]

    /// Whether records may be added.
    var takesRecords: Bool {
        switch phase {
        case .idle, .open: true
        case .initializing, .committing, .over: false
        }
    }

    var isOpen: Bool { if case .open = phase { true } else { false } }

    var isCommitting: Bool { if case .committing = phase { true } else { false } }

    /// When events may be added, if not yet.
    func opensAt(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        if case .idle(let time?) = phase, now < time { time } else { nil }
    }

    /// Whether more events are to be added, rather than what is there committed.
    func hasRoom(_ limits: Limits, now: ContinuousClock.Instant) -> Bool {
        switch phase {
        case .idle: opensAt(now) == nil
        case .open(let since): records < limits.records && now - since < limits.time
        case .initializing, .committing, .over: false
        }
    }

    /// The id is this producer's.
    mutating func initialized() {
        guard phase == .initializing else { return assertionFailure("initialized twice") }
        phase = .idle(from: nil)
    }

    /// The producer took records.
    mutating func took(_ count: Int, now: ContinuousClock.Instant) {
        assert(takesRecords, "records outside of a transaction")
        if count == 0 { return }
        if case .idle = phase { phase = .open(since: now) }
        began = began ?? now
        lastTook = now
        records += count
    }

    /// Until when more events are waited for, before what is there is committed; `nil` where it is committed now.
    func gathers(_ limits: Limits, now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard case .open(let since) = phase, let lastTook, records >= limits.busy, records < limits.records else {
            return nil
        }
        let end = min(lastTook + limits.quiet, since + limits.time)
        return now < end ? end : nil
    }

    /// Nothing more is added: the transaction is to be committed, with a progress record for each segment.
    mutating func commit(_ deliveries: [Int: Delivery], now: ContinuousClock.Instant) {
        assert(takesRecords && (isOpen || !deliveries.isEmpty), "a commit of nothing")
        phase = .committing(since: now)
        self.deliveries = deliveries
    }

    /// The transaction is committed.
    ///
    /// - Parameter next: nothing is to be added to the next one before.
    /// - Returns: what it has delivered, by segment.
    mutating func committed(next: ContinuousClock.Instant) -> [Int: Delivery] {
        guard isCommitting else {
            assertionFailure("committed without having been asked to")
            return [:]
        }
        defer { (phase, records, deliveries, began, lastTook) = (.idle(from: next), 0, [:], nil, nil) }
        return deliveries
    }

    /// Nothing more can be committed by this producer.
    mutating func end(isFenced: Bool, isAborted: Bool) {
        if case .over = phase { return }
        let isUnknown = isCommitting && !isAborted
        phase = .over(isFenced ? .fenced : isUnknown ? .unknown : .aborted)
    }
}
