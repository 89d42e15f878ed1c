import Consumers
import EventSourcing
import Kafka
import Postgres

/// What exactly-once delivery knows beside the batches: the producer's transaction, and how far each segment has come in
/// committed ones. A pure value.
///
/// No record of a segment is given to a producer before the producer owns its id, former owners of the segment are fenced,
/// the segment's progress was read behind that, and a transaction has recorded there whose the segment is by now: a next owner
/// learns it from Kafka even if the database has lost its last commits.
struct ExactlyOnceState: Sendable {
    /// What is to be done before records may be given to the producer.
    enum Preparation: Sendable, Equatable {
        case initialize
        /// The segments, and what this producer itself has committed of some of them.
        case takeOver([ServedSegment], known: [Int: SegmentProgress])
    }

    /// How taking a segment over ended.
    enum Beginning: Sendable, Equatable {
        /// Behind this, nothing else of the segment can be committed any more by others.
        case after(SegmentProgress)
        /// Another worker has claimed it since.
        case lost
    }

    let scope: EventScope
    let limits: TransactionState.Limits
    private(set) var transaction = TransactionState()
    /// Of the served segments that were taken over.
    private(set) var progress: [Int: SegmentProgress] = [:] {
        didSet { highestDelivered = progress.values.compactMap { $0.last?.position }.max() ?? -1 }
    }
    /// Nothing behind this position is delivered: most events need no further look.
    private var highestDelivered: Int64 = -1
    /// Segments whose new owner no transaction has recorded yet.
    private(set) var unannounced: Set<Int> = []
    /// Segments that are others' by now, until that was announced.
    private(set) var lost: Set<Int> = []
    /// Segments that are about to be released, until that was announced.
    private var released: Set<Int> = []
    /// What this producer has committed of segments that began anew under the same claim.
    private var known: [Int: (epoch: Int64, progress: SegmentProgress)] = [:]
    private var isPreparing = false
    private var backoff: Backoff
    private(set) var retryAt: ContinuousClock.Instant?
    private(set) var trouble: PublisherStatus?

    init(scope: EventScope, limits: TransactionState.Limits = .init(), longestPause: Duration) {
        self.scope = scope
        self.limits = limits
        backoff = Backoff(initial: .milliseconds(100), maximum: longestPause)
    }

    // MARK: Preparing

    /// A producer is there, which owns nothing yet.
    mutating func producerStarted() {
        transaction = TransactionState()
        (progress, known, unannounced, isPreparing, retryAt) = ([:], [:], [], false, nil)
    }

    mutating func producerEnded() {
        transaction.end(isFenced: false, isAborted: false)
        isPreparing = false
    }

    /// Which segments are served from now on.
    ///
    /// - Parameter ended: those that are served no longer, or begin anew.
    mutating func serve(_ now: [Int: ServedSegment], before: [Int: ServedSegment], ended: Set<Int>) {
        for segment in ended {
            guard let progress = progress.removeValue(forKey: segment), unannounced.remove(segment) == nil else {
                continue
            }
            known[segment] = before[segment].map { ($0.epoch, progress) }
        }
        known = known.filter { now[$0.key]?.epoch == $0.value.epoch }
        (lost, released) = ([], [])
    }

    /// The segments are others'.
    mutating func lose(_ segments: Set<Int>) {
        release(segments)
        lost.formUnion(segments)
    }

    /// Nothing of the segments is delivered any more, until they are served again: then they are taken over again, since
    /// this producer's id is no longer recorded.
    mutating func release(_ segments: Set<Int>) {
        for segment in segments {
            progress[segment] = nil
            known[segment] = nil
            unannounced.remove(segment)
        }
        released.formUnion(segments)
    }

    /// What is to be done next, of which nothing is under way.
    func preparation(of served: [Int: ServedSegment], now: ContinuousClock.Instant) -> Preparation? {
        if isPreparing { return nil }
        if let retryAt, now < retryAt { return nil }
        switch transaction.phase {
        case .initializing: return .initialize
        case .over: return nil
        case .idle, .open, .committing: break
        }
        let open = served.values.filter {
            progress[$0.segment] == nil && !lost.contains($0.segment) && !released.contains($0.segment)
        }
        if open.isEmpty { return nil }
        let own = known.filter { entry in open.contains { $0.segment == entry.key } }
        return .takeOver(open.sorted { $0.segment < $1.segment }, known: own.mapValues(\.progress))
    }

    mutating func beganPreparing() { isPreparing = true }

    mutating func initialized() {
        transaction.initialized()
        prepared()
    }

    /// Segments were taken over.
    ///
    /// - Parameter served: those that are served by now; what began anew meanwhile is taken over again.
    mutating func tookOver(_ beginnings: [ServedSegment: Beginning], served: [Int: ServedSegment]) {
        for (segment, beginning) in beginnings
        where served[segment.segment] == segment && !released.contains(segment.segment)
            && !lost.contains(segment.segment)
        {
            switch beginning {
            case .after(let progress):
                self.progress[segment.segment] = progress
                if known[segment.segment]?.progress != progress { unannounced.insert(segment.segment) }
            case .lost: lost.insert(segment.segment)
            }
        }
        prepared()
    }

    private mutating func prepared() {
        (isPreparing, retryAt, trouble) = (false, nil, nil)
        backoff.reset()
    }

    /// What was to be done could not be done.
    mutating func notPrepared(
        _ trouble: PublisherStatus, now: ContinuousClock.Instant, _ pause: (inout Backoff) -> Duration
    ) {
        isPreparing = false
        self.trouble = trouble
        retryAt = now + pause(&backoff)
    }

    /// Whether records of the served segments may be given to the producer.
    func takesRecords(of served: [Int: ServedSegment]) -> Bool {
        transaction.takesRecords && unannounced.isEmpty && served.keys.allSatisfy { progress[$0] != nil }
    }

    // MARK: Transactions

    func isDelivered(_ event: EventView, in segment: Int) -> Bool {
        event.globalPosition <= highestDelivered && progress[segment]?.covers(event) ?? false
    }

    func isRedriven(_ position: Int64, in segment: Int) -> Bool { progress[segment]?.hasRedriven(position) ?? false }

    mutating func took(_ count: Int, now: ContinuousClock.Instant) { transaction.took(count, now: now) }

    /// - Returns: the progress to be recorded in the transaction, by segment; `nil` where it holds something of a segment that
    ///   is not this producer's.
    mutating func commit(
        _ deliveries: [Int: TransactionState.Delivery], served: [Int: ServedSegment], id: String,
        now: ContinuousClock.Instant
    ) -> [Int: SegmentProgress]? {
        guard deliveries.keys.allSatisfy({ progress[$0] != nil && served[$0] != nil }) else { return nil }
        var deliveries = deliveries
        for segment in unannounced where deliveries[segment] == nil { deliveries[segment] = .init() }
        transaction.commit(deliveries, now: now)
        var records: [Int: SegmentProgress] = [:]
        for (segment, delivery) in deliveries {
            guard var progress = progress[segment], let served = served[segment] else { continue }
            assert(progress.epoch <= served.epoch, "an epoch goes back")
            progress.epoch = served.epoch
            progress.transactionalID = id
            progress.advance(to: delivery.last, scope: scope, redriven: delivery.redriven)
            records[segment] = progress
        }
        return records
    }

    mutating func committed(id: String, served: [Int: ServedSegment], now: ContinuousClock.Instant) {
        let scope = scope
        for (segment, delivery) in transaction.committed(next: now + limits.pause) {
            unannounced.remove(segment)
            guard let epoch = served[segment]?.epoch else { continue }
            progress[segment]?.epoch = epoch
            progress[segment]?.transactionalID = id
            progress[segment]?.advance(to: delivery.last, scope: scope, redriven: delivery.redriven)
        }
    }

    mutating func failed(_ error: KafkaError) {
        transaction.end(isFenced: error.isFenced, isAborted: error.transactionFate == .abortable)
    }

    /// An event of a segment is parked.
    mutating func park(_ position: Int64, in segment: Int) { progress[segment]?.park(position) }

    mutating func forgetRedriven(_ positions: [Int64], in segment: Int) { progress[segment]?.forgetRedriven(positions) }
}
