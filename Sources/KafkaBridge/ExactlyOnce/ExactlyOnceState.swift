import Consumers
import EventSourcing
import Kafka
import Postgres

/// What exactly-once delivery knows beside the batches: the producer's transaction, and whose the served segments are in
/// Kafka. A pure value.
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

    /// Whose a served segment is.
    private enum Ownership: Sendable {
        /// It is to be taken over; known is what this producer has committed of it under the same claim.
        case open(known: SegmentProgress?)
        /// Former owners commit nothing more, and no transaction has recorded the new one yet.
        case taken(SegmentProgress)
        case owned(SegmentProgress)
        /// It is another worker's.
        case lost
        /// It is about to be released: this producer's id is recorded for it no longer.
        case released

        var progress: SegmentProgress? {
            switch self {
            case .taken(let progress), .owned(let progress): progress
            case .open, .lost, .released: nil
            }
        }
    }

    let scope: EventScope
    let limits: TransactionState.Limits
    private(set) var transaction = TransactionState()
    /// Of all served segments.
    private var segments: [Int: Ownership] = [:] {
        didSet { highestDelivered = segments.values.compactMap { $0.progress?.last?.position }.max() ?? -1 }
    }
    /// What was parked under the claims of now: no transaction may have recorded it yet, nor will that of a producer that fails.
    private var parked: [Int: ParkedPositions] = [:]
    /// Nothing behind this position is delivered: most events need no further look.
    private var highestDelivered: Int64 = -1
    private var isPreparing = false
    private var backoff: Backoff
    private(set) var retryAt: ContinuousClock.Instant?
    private var trouble: PublisherStatus?
    /// Of the questions about the ownership since the last commit.
    private var questions = 0
    private var questionBackoff: Backoff
    private(set) var nextQuestion: ContinuousClock.Instant?

    init(scope: EventScope, limits: TransactionState.Limits = .init(), longestPause: Duration) {
        self.scope = scope
        self.limits = limits
        backoff = Backoff(initial: .milliseconds(100), maximum: longestPause)
        questionBackoff = backoff
    }

    /// Why nothing is delivered; `nil` if that is not known.
    var status: PublisherStatus? {
        if let trouble { return trouble }
        let lost = segments.keys.filter { isLost($0) }.sorted().map { "\($0)" }.joined(separator: " ")
        // Once is how every segment is lost.
        guard questions > 1, !lost.isEmpty else { return nil }
        return .waiting(
            "the database gives this process segments that are recorded as others' (\(lost)): it is asked again and again"
        )
    }

    // MARK: Segments

    /// Which segments are served from now on.
    ///
    /// - Parameter ended: those that are served no longer, or begin anew.
    mutating func serve(_ now: [Int: ServedSegment], before: [Int: ServedSegment], ended: Set<Int>) {
        parked = parked.filter { segment, _ in before[segment].map { $0.epoch == now[segment]?.epoch } ?? false }
        segments = now.reduce(into: [:]) { next, entry in
            let (segment, served) = entry
            let isSameClaim = before[segment]?.epoch == served.epoch
            next[segment] =
                switch segments[segment] {
                case .taken(let progress)? where !ended.contains(segment): .taken(progress)
                case .owned(let progress)? where !ended.contains(segment): .owned(progress)
                case .owned(let progress)? where isSameClaim: .open(known: progress)
                case .open(let known)? where isSameClaim: .open(known: known)
                default: .open(known: nil)
                }
        }
    }

    /// The segments are other workers'.
    mutating func lose(_ segments: Set<Int>) {
        for segment in segments where self.segments[segment] != nil { self.segments[segment] = .lost }
    }

    /// Nothing of the segments is delivered any more until they are served again: then they are taken over again, since
    /// this producer's id is no longer recorded.
    mutating func release(_ segments: Set<Int>) {
        for segment in segments where self.segments[segment] != nil { self.segments[segment] = .released }
    }

    func isLost(_ segment: Int) -> Bool { if case .lost? = segments[segment] { true } else { false } }

    var hasLostSegments: Bool { segments.keys.contains { isLost($0) } }

    /// Whether the ownership is to be asked for now: segments are others', and the last question is some time ago. The more
    /// questions have led to nothing, the longer.
    mutating func asksForOwnership(
        _ now: ContinuousClock.Instant, _ pause: (inout Backoff) -> Duration
    ) -> Bool {
        guard hasLostSegments, nextQuestion.map({ $0 <= now }) ?? true else { return false }
        questions += 1
        nextQuestion = now + pause(&questionBackoff)
        return true
    }

    /// Whether a transaction has to record the owner of a segment.
    var hasUnrecordedOwners: Bool {
        segments.values.contains { if case .taken = $0 { true } else { false } }
    }

    /// Whether all served segments are this producer's, and it takes records.
    var takesRecords: Bool {
        transaction.takesRecords && segments.values.allSatisfy { if case .owned = $0 { true } else { false } }
    }

    /// Whether an event that comes in its turn, or to be delivered again, is delivered already. If it is not, whether it is
    /// parked is decided anew.
    ///
    /// Changes its state in place, so that nothing of it is copied for an event.
    mutating func isDelivered(_ event: EventView, in segment: Int, isRedrive: Bool) -> Bool {
        let position = event.globalPosition
        if isRedrive { return segments[segment]?.progress?.hasRedriven(position) ?? false }
        if position <= highestDelivered, segments[segment]?.progress?.covers(event) ?? false { return true }
        if !parked.isEmpty, parked[segment]?.contains(position) == true { parked[segment]?.remove([position]) }
        return false
    }

    /// Whether any event is parked: otherwise none needs to be looked for.
    var hasParked: Bool { segments.values.contains { $0.progress.map { !$0.parked.all.isEmpty } ?? false } }

    func isParked(_ position: Int64, in segment: Int) -> Bool {
        segments[segment]?.progress?.parked.contains(position) ?? false
    }

    /// An event of a segment is parked.
    mutating func park(_ position: Int64, in segment: Int) {
        parked[segment, default: ParkedPositions()].insert(position)
        update(segment) { $0.parked.insert(position) }
    }

    /// The database has these checkpoints, by segment.
    mutating func wroteCheckpoints(_ checkpoints: [Int: Int64]) {
        for (segment, checkpoint) in checkpoints {
            if parked[segment] != nil { parked[segment]?.forget(through: checkpoint) }
            if segments[segment]?.progress.map({ $0.parked.all.count > ParkedPositions.kept }) == true {
                update(segment) { $0.parked.forget(through: checkpoint) }
            }
        }
    }

    /// The table of dead letters has noted that these were delivered again.
    mutating func noteRedriven(_ positions: [Int64], in segment: Int) {
        update(segment) { $0.noteRedriven(positions) }
    }

    private mutating func update(_ segment: Int, _ body: (inout SegmentProgress) -> Void) {
        switch segments[segment] {
        case .taken(var progress)?:
            body(&progress)
            segments[segment] = .taken(progress)
        case .owned(var progress)?:
            body(&progress)
            segments[segment] = .owned(progress)
        case .open?, .lost?, .released?, nil: break
        }
    }

    // MARK: Preparing

    /// A producer is there, which owns nothing yet.
    mutating func producerStarted() {
        transaction = TransactionState()
        segments = segments.mapValues { _ in .open(known: nil) }
        (isPreparing, retryAt) = (false, nil)
    }

    mutating func producerEnded() {
        transaction.end(isFenced: false, isAborted: false)
        isPreparing = false
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
        var (open, known) = ([ServedSegment](), [Int: SegmentProgress]())
        for (segment, ownership) in segments {
            guard case .open(let own) = ownership, let served = served[segment] else { continue }
            open.append(served)
            known[segment] = own
        }
        return open.isEmpty ? nil : .takeOver(open.sorted { $0.segment < $1.segment }, known: known)
    }

    mutating func beganPreparing() { isPreparing = true }

    mutating func initialized() {
        transaction.initialized()
        prepared()
    }

    /// Segments were taken over.
    ///
    /// - Parameter served: those that are served by now; what began anew meanwhile is taken over again, and what is lost or
    ///   about to be released stays so.
    mutating func tookOver(_ beginnings: [ServedSegment: Beginning], served: [Int: ServedSegment]) {
        for (segment, beginning) in beginnings where served[segment.segment] == segment {
            guard case .open(let known)? = segments[segment.segment] else { continue }
            switch beginning {
            case .after(var progress):
                let isKnown = known == progress
                if let parked = parked[segment.segment] { progress.parked.formUnion(parked) }
                segments[segment.segment] = isKnown ? .owned(progress) : .taken(progress)
            case .lost: segments[segment.segment] = .lost
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

    // MARK: Transactions

    mutating func took(_ count: Int, now: ContinuousClock.Instant) { transaction.took(count, now: now) }

    /// The transaction is to be committed, with what it delivers and what owners it has to record.
    ///
    /// - Returns: the progress to be recorded in it, by segment; `nil` where it holds something of a segment that is not this
    ///   producer's.
    mutating func commit(
        _ deliveries: [Int: TransactionState.Delivery], served: [Int: ServedSegment], id: String,
        now: ContinuousClock.Instant
    ) -> [Int: SegmentProgress]? {
        var (deliveries, records) = (deliveries, [Int: SegmentProgress]())
        for (segment, ownership) in segments {
            if case .taken = ownership, deliveries[segment] == nil { deliveries[segment] = .init() }
        }
        for (segment, delivery) in deliveries {
            guard let progress = segments[segment]?.progress, let epoch = served[segment]?.epoch else { return nil }
            deliveries[segment]?.epoch = epoch
            records[segment] = progress.advanced(by: delivery, scope: scope, epoch: epoch, id: id)
        }
        transaction.commit(deliveries, now: now)
        return records
    }

    /// The transaction is committed.
    mutating func committed(id: String, served: [Int: ServedSegment], now: ContinuousClock.Instant) {
        (questions, nextQuestion) = (0, nil)
        questionBackoff.reset()
        for (segment, delivery) in transaction.committed(next: now + limits.pause) {
            // A claim of before says nothing of this one.
            guard let epoch = delivery.epoch, served[segment]?.epoch == epoch,
                let progress = segments[segment]?.progress
            else { continue }
            parked[segment]?.remove(Set(delivery.redriven))
            segments[segment] = .owned(progress.advanced(by: delivery, scope: scope, epoch: epoch, id: id))
        }
    }

    mutating func failed(_ error: KafkaError) {
        transaction.end(isFenced: error.isFenced, isAborted: error.transactionFate == .abortable)
    }
}
