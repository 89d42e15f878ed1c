import Consumers
import EventSourcing
import Kafka
import Postgres

/// How far each event of a consumer is on its way to Kafka, and what is to be done next. A pure value: it knows no clock, no
/// client and no database, and ``KafkaPublisher`` performs what it says.
///
/// Batches are given to a producer in the order in which they came, each completely before the next. Any report that is not
/// a success ends the producer; a new one is given what is not acknowledged, in order. What passes by itself is waited for
/// without end. What can never be delivered follows the route's policy; what waits for a topic halts its segment.
struct DeliveryState: Sendable {
    struct Options: Sendable {
        var consumer: String
        var route: Route
        var onPoison = PoisonPolicy.halt
        /// Whether there is a table of dead letters.
        var canPark = false
        /// The largest record; `nil` takes each topic's own limit.
        var maximumRecordBytes: Int?
        /// The largest record that the client takes.
        var clientLimit = Int.max
        var longestPause: Duration = .seconds(15)
        /// After so long without any acknowledgement delivery counts as stalled.
        var stallNotice: Duration = .seconds(5)
        /// After so long without one for the oldest batch, too.
        var batchStallNotice: Duration = .seconds(10)
        /// How often to look for other numbers of partitions, while events come.
        var partitionLookInterval: Duration = .seconds(60)
        /// The transactional id, where records are delivered exactly once.
        var transactionalID: String?
        var scope = EventScope.all
        var transactionLimits = TransactionState.Limits()
        /// The next pause of a row of attempts; some chance is in it, so that many relays do not try at once.
        var pause: @Sendable (inout Backoff) -> Duration = { $0.next() }
    }

    /// A time for reckoning, and the same for people.
    struct Moment: Sendable {
        var instant: ContinuousClock.Instant
        /// Microseconds since 1970.
        var microseconds: Int64

        static var now: Moment { Moment(instant: .now, microseconds: CurrentTime.microseconds) }
    }

    enum Action {
        /// Build a producer; then ``producerStarted(largestBatch:now:)``.
        case startProducer(smallestLimit: Int)
        /// Close the producer; then ``producerEnded(_:cause:now:)``.
        case endProducer
        /// Ask brokers about topics; then ``answered(_:_:now:)``.
        case ask(TopicQuestion)
        /// Have the producer own its transactional id; then ``initialized(producer:_:now:)``.
        case initializeTransactions(producer: Int)
        /// Take segments over from their former owners; then ``tookOver(producer:_:now:)``.
        case takeOver(producer: Int, [ServedSegment], known: [Int: SegmentProgress])
        /// Give records to the producer; then ``fed(_:_:isFull:now:)``.
        case feed(Feed)
        /// Add the progress to the transaction, and commit it; then ``committed(producer:_:now:)``.
        case commit(producer: Int, [Int: SegmentProgress])
        /// Record parked events; then ``recorded(_:)``.
        case record([UndeliverableEvent])
        /// Nothing before the time, unless something is learnt earlier.
        case wait(until: ContinuousClock.Instant?)
        case stop
    }

    struct TopicQuestion: Sendable {
        let producer: Int
        let topics: [(index: Int, name: TopicName, needsSettings: Bool)]
    }

    struct Feed {
        let batch: Int
        let source: EventRecordSource
        let records: RecordIndices
        /// Whether these are the batch's first records with this producer.
        let isFirst: Bool
        /// Whether more records of the batch follow after these.
        let isPart: Bool
        /// Whether they are to be sent without lingering.
        let isUrgent: Bool
    }

    /// How a batch ended.
    enum Resolution {
        case publication(PublicationOutcome)
        /// `nil` if the events were dropped.
        case redrive(RedriveOutcome?)
    }

    /// Of the memory of a batch's records, by the batch's id.
    enum RecordMemoryChange: Equatable {
        /// They are acknowledged: nothing is left of them, though their transaction is not committed.
        case free(Int)
        /// The transaction has failed: they are sent again.
        case used(Int)
    }

    enum Life {
        case absent(startAt: ContinuousClock.Instant?)
        case running(Running)
        /// It is being closed: since it has failed, or only because another one is to take its place.
        case ending(hasFailed: Bool)
        case closed
    }

    struct Running {
        let since: ContinuousClock.Instant
        var gate = FirstBatchGate()
        let largestBatch: Int
        /// Something was not a success: nothing more is given to it.
        var hasFailed = false
        /// It ends as soon as nothing is under way.
        var isOutdated = false
        /// Its transaction holds what is another's by now, or comes again: it ends without a commit.
        var isAbandoned = false
        var isQueueFull = false
    }

    let options: Options
    let recordSize: RecordSize
    /// Whether the route may have no record for an event, and whether it makes something of each before.
    let checksRecords: Bool
    let preparesRecords: Bool
    var router: Router
    var topics: TopicReadiness
    var halts = SegmentHalts()
    var parked = ParkedAggregates()
    /// The segments that are served, as they were last announced.
    var served: [Int: ServedSegment] = [:]
    /// In the order in which they were handed over, by ascending id.
    var batches: [InFlightBatch] = []
    /// Positions that segments halted at, have passed, and that the table of dead letters still has.
    var passedHalts: [Int64] = []
    /// For the log and the metrics, in order; taken by ``takeNotices()``.
    var notices: [DeliveryNotice] = []
    var resolved: [(id: Int, Resolution)] = []
    /// What has changed of batches whose records are acknowledged, and that wait for their transaction's commit.
    var recordMemory: [RecordMemoryChange] = []

    var life = Life.absent(startAt: nil)
    var producerCount = 0
    var lastID = 0
    /// Segments of which something was given up: nothing more of them is delivered until they begin anew.
    var forgotten: Set<Int> = []
    /// Batches before this id are given to the producer completely.
    var feedCursor = 1
    var attemptsUnderWay = 0
    var redriveCount = 0
    var runBackoff: Backoff
    /// Topics that what is to be delivered needs an answer about.
    var needed: Set<Int> = []
    var isAsking = false
    var askAgainAt: ContinuousClock.Instant?
    var askBackoff: Backoff
    var nextPartitionLook: ContinuousClock.Instant?
    var isRecording = false
    /// The last event that the table of dead letters was given.
    var lastRecorded: EventReference?
    var batchesWithParking: Set<Int> = []
    var runTrouble: PublisherStatus?
    var askTrouble: PublisherStatus?
    /// Since when something is to be delivered and nothing was acknowledged.
    var silentSince: Moment?
    /// When something was acknowledged last.
    var lastProgress: Moment?
    /// The oldest batch, and since when nothing of it was acknowledged.
    var oldest: (id: Int, since: Moment)?
    var wasOddTimeReported = false
    var wasUnknownLimitReported = false
    /// Set where records are delivered exactly once.
    var exactlyOnce: ExactlyOnceState?

    init(_ options: Options, fixedTopics: [TopicName] = []) {
        self.options = options
        recordSize = RecordSize(options.route)
        checksRecords = options.route.checksRecords
        preparesRecords = options.route.preparesRecords
        router = Router(options.route)
        topics = TopicReadiness(longestPause: options.longestPause, pause: options.pause)
        runBackoff = Backoff(initial: .milliseconds(100), maximum: options.longestPause)
        askBackoff = Backoff(initial: .milliseconds(100), maximum: options.longestPause)
        if options.transactionalID != nil {
            exactlyOnce = ExactlyOnceState(
                scope: options.scope, limits: options.transactionLimits, longestPause: options.longestPause)
        }
        for topic in fixedTopics { needed.insert(router.topic(named: topic)) }
    }

    /// Nothing more is delivered.
    mutating func close() { life = .closed }

    // MARK: What to do next

    /// What is to be done next. Asking again without having done it gives the same.
    mutating func next(now: Moment) -> Action {
        switch life {
        case .closed: return .stop
        case .ending: return .wait(until: nil)
        case .absent(let start?) where now.instant < start: return .wait(until: min(start, tick(now) ?? start))
        case .absent:
            return .startProducer(smallestLimit: topics.limits { limit($0) }.smallest)
        case .running(let running):
            let isAtRest = attemptsUnderWay == 0 && !hasOpenTransaction
            if running.hasFailed || running.isAbandoned || (running.isOutdated && isAtRest) {
                life = .ending(hasFailed: running.hasFailed)
                return .endProducer
            }
        }
        if let preparation = preparation(now) { return preparation }
        if let feed = nextFeed(now) { return .feed(feed) }
        if let commit = commit(now) { return commit }
        if case .running(let running) = life, running.isAbandoned { return next(now: now) }
        if let question = question(now) { return .ask(question) }
        let rows = parkingRows
        if !rows.isEmpty {
            isRecording = true
            return .record(rows)
        }
        return .wait(until: [nextQuestion, nextPreparation(now), tick(now)].compactMap { $0 }.min())
    }

    /// When brokers are asked again about what was not answered, or is absent.
    private var nextQuestion: ContinuousClock.Instant? {
        if isAsking { return nil }
        let look = [needed.isEmpty ? nil : askAgainAt, topics.nextLook].compactMap { $0 }.min()
        return look.map { max($0, askAgainAt ?? $0) }
    }

    /// When to look whether anything was acknowledged meanwhile.
    private func tick(_ now: Moment) -> ContinuousClock.Instant? {
        silentSince == nil && runTrouble == nil ? nil : now.instant + min(.seconds(1), options.stallNotice)
    }

    /// The next records for the producer, in the order of the batches.
    mutating func nextFeed(_ now: Moment) -> Feed? {
        guard case .running(let running) = life, !running.hasFailed, !running.isOutdated, !running.isAbandoned,
            exactlyOnce?.transaction.takesRecords ?? true
        else { return nil }
        while let index = firstUnfed {
            if batches[index].attempt == nil {
                // What is there is committed first, and segments are taken over before anything of them is given away.
                if let exactlyOnce {
                    let hasRoom = exactlyOnce.transaction.hasRoom(exactlyOnce.limits, now: now.instant)
                    guard hasRoom, exactlyOnce.takesRecords else { return nil }
                }
                guard examine(at: index, now: now) else { return nil }
                guard batches[index].entries.contains(where: { $0.state == .open }) else {
                    feedCursor = batches[index].id + 1
                    resolve()
                    continue
                }
                guard begin(at: index, now: now) else { return nil }
            }
            guard let attempt = batches[index].attempt else { return nil }
            if attempt.isWaitingForFirst { return nil }
            if attempt.isFed {
                // What is left of the batch waits until this is acknowledged; what goes alone is alone until then, since a
                // broker rejects whole requests.
                guard attempt.isLast, !attempt.isAlone else { return nil }
                feedCursor = batches[index].id + 1
                continue
            }
            if running.isQueueFull { return nil }
            return Feed(
                batch: batches[index].id, source: attempt.source, records: attempt.next, isFirst: !attempt.isOpened,
                isPart: attempt.handed < attempt.first.count && !attempt.rest.isEmpty,
                isUrgent: attempt.handed < attempt.first.count || !(attempt.isLast && batches[index].isFull))
        }
        return nil
    }

    /// Decides which of a batch's open records go next, and how. False while they have to wait for everything else.
    private mutating func begin(at index: Int, now: Moment) -> Bool {
        let batch = batches[index]
        let open = batch.entries.indices.filter { batch.entries[$0].state == .open }
        let suspect = open.firstIndex { batch.entries[$0].isRetriedAlone }
        let isAlone = suspect == 0
        // Its failure would undo what else is in its transaction.
        if isAlone, attemptsUnderWay > 0 || hasOpenTransaction { return false }
        let entries = isAlone ? Array(open.prefix(1)) : suspect.map { Array(open[..<$0]) } ?? open
        let source = EventRecordSource(batch, entries, topics: topics, options.route)
        assert(source.count == entries.count, "a record of a topic that is not ready")
        var first: [(record: Int, partition: FirstBatchGate.Partition)] = []
        // The records of a partition one after another, in their order: the client sends what it finds as soon as it
        // finds some, and so finds many records of a few partitions rather than a few of each.
        var rest: [UInt64] = []
        rest.reserveCapacity(entries.count)
        withRunning { running in
            for (record, item) in source.items.enumerated() {
                let partition = FirstBatchGate.Partition(topic: item.topic.number, partition: item.partition)
                switch running.gate.admit(partition, now: now.instant) {
                case .alone: first.append((record, partition))
                case .wait, .free: rest.append(partition.place << 32 | UInt64(record))
                }
            }
        }
        rest.sort()
        attemptsUnderWay += 1
        batches[index].attempt = FeedAttempt(
            entries: entries, source: source, isAlone: isAlone, isLast: entries.count == open.count, first: first,
            rest: rest.map { Int(truncatingIfNeeded: $0 & 0xffff_ffff) })
        return true
    }

    /// The first batch that the producer was not given completely.
    private var firstUnfed: Int? {
        let index = place(of: feedCursor)
        return index < batches.endIndex ? index : nil
    }

    // MARK: Small things

    /// Where a batch with the id is, or would be.
    private func place(of id: Int) -> Int {
        var (low, high) = (batches.startIndex, batches.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func index(of id: Int) -> Int? {
        let place = place(of: id)
        return place < batches.endIndex && batches[place].id == id ? place : nil
    }

    mutating func remove(at index: Int) {
        if let attempt = batches[index].attempt {
            attemptsUnderWay -= 1
            withRunning { running in
                for first in attempt.first { running.gate.withdraw(first.partition) }
            }
        }
        batchesWithParking.remove(batches[index].id)
        batches.remove(at: index)
    }

    /// Leaves what is not done of some segments to be handed over again.
    mutating func drop(at index: Int, _ isDropped: (_ segment: Int) -> Bool) {
        for entry in batches[index].entries.indices where isDropped(batches[index].entries[entry].segment) {
            switch batches[index].entries[entry].state {
            case .parking:
                parked.release(batches[index].event(of: entry).aggregate, in: batches[index].entries[entry].segment)
            case .open, .uncommitted: break
            case .acknowledged, .settled, .dropped, .failed: continue
            }
            batches[index].entries[entry].state = .dropped
        }
        batches[index].leaveOutDropped()
        if !batches[index].hasParking { batchesWithParking.remove(batches[index].id) }
    }

    /// Takes out the batches that are done, in their order; redrives at any place.
    mutating func resolve() {
        var index = batches.startIndex
        var isHead = true
        while index < batches.endIndex, isHead || redriveCount > 0 {
            if batches[index].isResolved || !batches[index].isDone || !(isHead || batches[index].isRedrive) {
                if !batches[index].isResolved, !batches[index].isRedrive { isHead = false }
                index += 1
                continue
            }
            finish(at: index)
            // What the producer was given of it, of segments that are another's by now, is still observed.
            if batches[index].attempt?.isOpened == true { index += 1 } else { remove(at: index) }
        }
    }

    private mutating func finish(at index: Int) {
        batches[index].isResolved = true
        let batch = batches[index]
        if batch.isRedrive {
            redriveCount -= 1
            resolved.append((batch.id, .redrive(batch.redriveOutcome)))
            return
        }
        parked.passed(batch.through, inFlight: batch.id)
        let passed = halts.done(batch.id, through: batch.through)
        passedHalts += passed.recorded
        for halt in passed.halts { notices.append(.goesOn(halt)) }
        resolved.append((batch.id, .publication(PublicationOutcome(halts: halts.of(batchesThrough: batch.id)))))
    }

    /// The batches that are done, with how they ended.
    mutating func takeResolved() -> [(id: Int, Resolution)] {
        defer { resolved = [] }
        return resolved
    }

    /// Which batches the producer holds no records of any more, before they are done, and which of these are sent again.
    mutating func takeRecordMemory() -> [RecordMemoryChange] {
        defer { recordMemory = [] }
        return recordMemory
    }

    mutating func takeNotices() -> [DeliveryNotice] {
        defer { notices = [] }
        return notices
    }
}

extension FirstBatchGate.Partition {
    /// Tells partitions apart, and sorts them in some order.
    fileprivate var place: UInt64 { UInt64(topic & 0xffff) << 16 | UInt64(partition & 0xffff) }
}
