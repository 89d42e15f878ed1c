import EventSourcing
import FoundationEssentials
import Postgres
import TestSupport
import Testing

@testable import Consumers
@testable import Kafka
@testable import KafkaBridge

/// One consumer's delivery with everything around it: the log of events, a worker with its ledger, brokers, the table of dead
/// letters and an operator. Each step is one thing that may happen next, in any order; what may never be is checked at once.
///
/// The ``DeliveryState`` is the real one, and so is the ledger. The brokers keep Kafka's rules that matter here: requests are
/// rejected as a whole, and a broker that does not know a producer takes its first record at any sequence.
struct DeliveryHistory {
    static let segments = 3
    static let topicNames = ["good", "bad", "odd"]

    struct Row {
        var state: DeadLetter.State
        let segment: Int
        let aggregate: AggregateIdentity
        var isCause: Bool
        var isRequested = false
    }

    struct Record {
        let batch: Int
        let index: Int
        let position: Int64
        let topic: Int
        let place: FirstBatchGate.Partition
    }

    private struct Pending {
        let id: Int
        let batch: FeedBatch
        let claims: [SegmentClaim]
    }

    var random: Seeded
    let policy: PoisonPolicy
    /// What brokers know of transactions, where records are delivered exactly once.
    var transactions: TransactionalBrokers?
    private let template: TopicTemplate
    // The log of events.
    let events: [PersistedEvent]
    var batchEvents: EventBatch
    private var segmentOf: [Int]
    /// The positions that brokers reject for good, until an operator changes that.
    var bad: Set<Int64> = []
    private var everBad: Set<Int64> = []
    private var everDiscarded: Set<Int64> = []
    // The worker.
    var ledger = SegmentLedger()
    var epochs = [Int64](repeating: 1, count: segments)
    var checkpoints = [Int64](repeating: 0, count: segments)
    private var pending: [Pending] = []
    private var ends: [Int: PublicationOutcome] = [:]
    var needsServing = true
    // Delivery.
    var state: DeliveryState
    var now = DeliveryState.Moment(instant: .now, microseconds: 1_000_000)
    // The producer and its brokers.
    var underWay: [Record] = []
    private var given: [Int: [Int: (acknowledged: Bool, code: KafkaError.Code?)]] = [:]
    private var counts: [Int: Int] = [:]
    private var known: Set<FirstBatchGate.Partition> = []
    var hasFailed = false
    private var isProducerGone = false
    private var question: DeliveryState.TopicQuestion?
    private var partitions: [Int32] = [2, 2, 1]
    var absent: Set<Int> = []
    var forbidden: Set<Int> = []
    /// All records that were written, in order.
    private(set) var written: [Int64] = []
    private var isWritten: Set<Int64> = []
    // The table of dead letters.
    var rows: [Int64: Row] = [:]
    private var rowsToRecord: [UndeliverableEvent]?
    /// What a server has that would take over.
    private var kept: (rows: [Int64: Row], checkpoints: [Int64])?
    private var redrive: (id: Int, aggregate: AggregateIdentity, segment: ServedSegment)?
    private(set) var restarts = 0
    private var isLettingGo = false

    init(_ seed: UInt64, count: Int = 60, policy: PoisonPolicy, isExactlyOnce: Bool = false) throws {
        random = Seeded(seed)
        self.policy = policy
        template = try TopicTemplate("{event_type}")
        let types = Self.topicNames
        var events: [PersistedEvent] = []
        for position in 1...Int64(count) {
            let aggregate = Int.random(in: 0..<5, using: &random)
            // An aggregate's events mostly go to one topic.
            let type =
                Int.random(in: 0..<4, using: &random) == 0 ? types[Int.random(in: 0..<3, using: &random)] : "good"
            events.append(
                PersistedEvent(
                    globalPosition: position, boundedContext: "c", aggregateType: "t", aggregateID: "a\(aggregate)",
                    aggregateVersion: position, eventType: type, payload: [1, 2, 3],
                    createdAt: Date(timeIntervalSince1970: 1)
                ))
            if type == "bad", Int.random(in: 0..<2, using: &random) == 0 { bad.insert(position) }
        }
        self.events = events
        everBad = bad
        batchEvents = try EventBatch(events)
        segmentOf = events.map { $0.aggregateID.utf8.reduce(0) { $0 &* 31 &+ Int($1) } % Self.segments }
        if isExactlyOnce { transactions = TransactionalBrokers() }
        state = Self.newState(policy, template, isExactlyOnce)
        ledger.own(claimed)
    }

    private static func newState(
        _ policy: PoisonPolicy, _ template: TopicTemplate, _ isExactlyOnce: Bool
    ) -> DeliveryState {
        DeliveryState(
            DeliveryState.Options(
                consumer: "c", route: Route(topic: template), onPoison: policy,
                canPark: true, longestPause: .seconds(1),
                transactionalID: isExactlyOnce ? "own" : nil,
                transactionLimits: .init(records: 12, time: .milliseconds(200), busy: 4, quiet: .milliseconds(30)),
                pause: { backoff in
                    var same = Seeded(1)
                    return backoff.next(using: &same)
                }))
    }

    var claimed: [Segment] {
        (0..<Self.segments).map { Segment(id: $0, checkpoint: checkpoints[$0], epoch: epochs[$0]) }
    }

    func segment(at position: Int64) -> Int { segmentOf[Int(position) - 1] }
    func topicIndex(at position: Int64) -> Int {
        Self.topicNames.firstIndex(of: events[Int(position) - 1].eventType) ?? 0
    }
    func aggregate(at position: Int64) -> String { events[Int(position) - 1].aggregateID }

    // MARK: Steps

    /// One thing that happens.
    mutating func step() {
        now.instant += .milliseconds(Int.random(in: 0...40, using: &random))
        now.microseconds += 20_000
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<22: handOver()
        case 22..<52: perform()
        case 52..<62: if transactions == nil { perform() } else { answerTransactions() }
        case 62..<82: answerRecords()
        case 82..<86: answerQuestion()
        case 86..<90: record()
        case 90..<94: attend()
        case 94, 95: decide()
        case 96: changeTopics()
        case 97: loseSegment()
        case 99 where transactions != nil: answerTransactions()
        case 98: endProcess()
        default: ledger.wrote(ledger.unwritten.map { write($0) })
        }
        settle()
    }

    private mutating func write(_ move: CheckpointMove) -> CheckpointMove {
        if epochs[move.segment] == move.epoch {
            checkpoints[move.segment] = max(checkpoints[move.segment], move.position)
        }
        return move
    }

    /// The worker hands some events over.
    private mutating func handOver() {
        if needsServing { return serve() }
        guard pending.count < 8, let start = ledger.lowestHandedOver else { return }
        let end = min(start + Int64.random(in: 1...6, using: &random), Int64(events.count))
        if end <= start { return }
        let selection = (start + 1...end).compactMap { position -> FeedBatch.Selected? in
            let segment = segment(at: position)
            guard let handedOver = ledger.handedOver(segment), handedOver < position else { return nil }
            return FeedBatch.Selected(index: Int(position) - 1, segment: segment)
        }
        let batch = FeedBatch(events: batchEvents, selection: selection, through: end)
        let claims = ledger.claims.filter { ledger.handedOver($0.segment).map { $0 < end } ?? false }
        ledger.handOver(claims, through: end)
        pending.append(Pending(id: state.accept(batch, batchEvents, now: now), batch: batch, claims: claims))
    }

    mutating func serve() {
        needsServing = false
        let begun = state.serve(ledger.served)
        var knowledge = DeadLetterStore.Knowledge()
        for segment in begun {
            knowledge.waiting[segment.segment] = waiting.filter { $0.segment == segment.segment }
            for (position, row) in rows.sorted(by: { $0.key < $1.key }) where row.segment == segment.segment {
                if position <= segment.checkpoint {
                    if row.state == .halted { knowledge.passed.append(position) }
                    continue
                }
                knowledge.known[segment.segment, default: [:]][position] = row.state
                if row.state == .halted {
                    knowledge.halts.append(SegmentHalt(segment: row.segment, position: position, reason: "before"))
                }
            }
        }
        state.learned(knowledge, of: begun)
    }

    /// The publisher does what is next.
    private mutating func perform() {
        switch state.next(now: now) {
        case .startProducer:
            (underWay, given, counts, known, hasFailed) = ([], [:], [:], [], false)
            isProducerGone = false
            state.producerStarted(largestBatch: 0, now: now)
        case .endProducer: endProducer()
        case .ask(let question): self.question = question
        case .feed(let feed): give(feed)
        case .record(let rows): rowsToRecord = rows
        case .wait(let time):
            if let time, time <= now.instant { Issue.record("it is to wait until a time that is over") }
        case .initializeTransactions(let producer): transactions?.request = .initialize(producer)
        case .takeOver(let producer, let segments, let known):
            transactions?.request = .takeOver(producer, segments, known)
        case .commit(let producer, let progress): transactions?.commit = (producer, progress)
        case .stop: break
        }
    }

    private mutating func give(_ feed: DeliveryState.Feed) {
        if hasFailed { return state.producerFailed() }
        if transactions?.freed.contains(feed.batch) == true {
            Issue.record("batch \(feed.batch) is sent, and not counted")
        }
        let most = feed.records.count
        // Now and then the queue is full.
        let count = Int.random(in: 0..<5, using: &random) == 0 ? Int.random(in: 0...most, using: &random) : most
        for place in 0..<count {
            let index = feed.records[place]
            let item = feed.source.items[index]
            let position = feed.source.events[item.row].globalPosition
            underWay.append(
                Record(
                    batch: feed.batch, index: index, position: position, topic: topicIndex(at: position),
                    place: FirstBatchGate.Partition(topic: item.topic.number, partition: item.partition)))
        }
        counts[feed.batch] = feed.source.count
        state.fed(feed, count, isFull: count < most, now: now)
    }

    /// A broker answers a request: some of the first records of a partition.
    private mutating func answerRecords() {
        guard !hasFailed, let place = underWay.randomElement(using: &random)?.place else {
            for id in counts.keys.sorted() { observe(id) }
            return
        }
        let records = underWay.filter { $0.place == place }
        let request = Array(records.prefix(Int.random(in: 1...4, using: &random)))
        var code = rejection(of: request)
        if code == nil, Int.random(in: 0..<25, using: &random) == 0 {
            if !known.contains(place), records.count > request.count {
                // The request is lost, the next one is taken for the producer's first, and librdkafka thinks that both were.
                return acknowledge(request, areWritten: false)
            }
            code = [.requestTimedOut, .notEnoughReplicas, .unknown, .outOfOrderSequence].randomElement(using: &random)
            // Written or not: nobody knows.
            if Bool.random(using: &random) { write(request) }
        }
        guard let code else {
            known.insert(place)
            return acknowledge(request, areWritten: true)
        }
        for record in request { given[record.batch, default: [:]][record.index] = (false, code) }
        underWay.removeAll { one in request.contains { $0.batch == one.batch && $0.index == one.index } }
        hasFailed = true
        state.producerFailed()
    }

    private func rejection(of request: [Record]) -> KafkaError.Code? {
        guard let topic = request.first?.topic else { return nil }
        if transactions?.isFenced == true { return .fenced }
        if absent.contains(topic) { return .unknownTopicOrPartition }
        if forbidden.contains(topic) { return .topicAuthorizationFailed }
        return request.contains { bad.contains($0.position) && topic == 1 } ? .invalidRecord : nil
    }

    private mutating func acknowledge(_ request: [Record], areWritten: Bool) {
        if areWritten { write(request) }
        for record in request { given[record.batch, default: [:]][record.index] = (true, nil) }
        underWay.removeAll { one in request.contains { $0.batch == one.batch && $0.index == one.index } }
        for id in Set(request.map(\.batch)).sorted() { observe(id) }
    }

    private mutating func observe(_ id: Int) {
        let count = given[id]?.values.count { $0.acknowledged } ?? 0
        if state.observed(id, acknowledged: count, now: now) { (counts[id], given[id]) = (nil, nil) }
    }

    private mutating func write(_ records: [Record]) {
        if transactions != nil {
            transactions?.open += records.map(\.position)
            return
        }
        for record in records {
            if isWritten.insert(record.position).inserted { checkOrder(record.position) }
            written.append(record.position)
        }
    }

    /// A transaction is committed.
    mutating func reveal(_ positions: [Int64]) {
        for position in positions {
            if isWritten.insert(position).inserted {
                checkOrder(position)
            } else {
                Issue.record("\(position) is delivered twice")
            }
            written.append(position)
        }
    }

    /// What is on the way is written and acknowledged, as before a commit.
    mutating func flush() {
        while !hasFailed, let place = underWay.first?.place {
            let records = underWay.filter { $0.place == place }
            if rejection(of: records) != nil {
                for record in records {
                    given[record.batch, default: [:]][record.index] = (false, rejection(of: records))
                }
                hasFailed = true
                return state.producerFailed()
            }
            known.insert(place)
            write(records)
            for record in records { given[record.batch, default: [:]][record.index] = (true, nil) }
            underWay.removeAll { $0.place == place }
        }
    }

    /// The producer has nothing under way any more.
    mutating func forgetUnderWay() { (counts, given) = ([:], [:]) }

    private mutating func endProducer() {
        var outcomes: [Int: RecordOutcomes] = [:]
        for (id, count) in counts.sorted(by: { $0.key < $1.key }) {
            var outcome = RecordOutcomes(acknowledged: [Bool](repeating: false, count: count))
            for index in 0..<count {
                if let answer = given[id]?[index] {
                    outcome.acknowledged[index] = answer.acknowledged
                    if let code = answer.code { outcome.failures.append((index, code)) }
                } else if underWay.contains(where: { $0.batch == id && $0.index == index }) {
                    outcome.failures.append((index, .purgedInFlight))
                }
            }
            outcomes[id] = outcome
        }
        state.producerEnded(outcomes, cause: nil, now: now)
        isProducerGone = true
    }

    private mutating func answerQuestion() {
        guard let question else { return }
        self.question = nil
        if Int.random(in: 0..<8, using: &random) == 0 {
            return state.answered(question, .failure(KafkaError(.transport)), now: now)
        }
        let answers = question.topics.map { topic -> DeliveryState.TopicAnswer in
            let number = Self.topicNames.firstIndex(of: topic.name.description) ?? 0
            if absent.contains(number) { return .init(answer: .refused(KafkaError(.unknownTopicOrPartition))) }
            return .init(
                answer: .ready(TopicHandle(index: Int32(topic.index), partitionCount: partitions[number])),
                settings: TopicSettings())
        }
        state.answered(question, .success(answers), now: now)
    }

    // MARK: The table of dead letters

    private var waiting: [WaitingAggregate] {
        let open = rows.filter { $0.value.state == .parked || $0.value.state == .redriving }
        return Dictionary(grouping: open, by: \.value.aggregate).values.compactMap { group in
            guard let first = group.min(by: { $0.key < $1.key }) else { return nil }
            return WaitingAggregate(
                segment: first.value.segment, aggregate: first.value.aggregate, position: first.key,
                isCause: first.value.isCause, state: first.value.state, isRedriveRequested: first.value.isRequested,
                size: group.count)
        }
        .sorted { $0.position < $1.position }
    }

    /// Where the segment is still owned under the event's epoch.
    private mutating func insert(_ events: [UndeliverableEvent], as state: DeadLetter.State) {
        for event in events where epochs[event.segment] == event.epoch {
            if event.reason == .rejected, !everBad.contains(event.position) {
                Issue.record("\(event.position) is called rejected, and nothing is wrong with it")
            }
            if let known = rows[event.position], known.state != .halted { continue }
            rows[event.position] = Row(
                state: state, segment: event.segment, aggregate: event.aggregate, isCause: event.reason != .follows)
        }
    }

    private mutating func record() {
        guard let rows = rowsToRecord else { return }
        rowsToRecord = nil
        if Int.random(in: 0..<5, using: &random) == 0 { return state.recorded([], epochs: [:]) }
        insert(rows, as: .parked)
        state.recorded(
            rows, epochs: Dictionary(uniqueKeysWithValues: epochs.enumerated().map { ($0.offset, $0.element) }))
        if state.exactlyOnce?.hasLostSegments == true { own() }
    }

    /// What is done beside the batches: halts, decisions, redrives.
    private mutating func attend() {
        retry(state.retries(now.instant))
        let halts = state.halts.unrecorded
        insert(halts, as: .halted)
        state.recordedHalts(halts)
        let passed = state.passedHalts
        for position in passed where rows[position]?.state == .halted { rows[position]?.state = .redriven }
        state.recordedPassed(passed)
        retry(
            Set(
                state.halts.decidable.filter { halt in
                    rows[halt.position].map { $0.state != .halted || $0.isRequested } ?? false
                }.map(\.segment)))
        guard redrive == nil, rowsToRecord == nil else { return }
        state.found(waiting.filter { state.served[$0.segment] != nil })
        guard let ready = waiting.first(where: \.isReady), let segment = state.served[ready.segment],
            segment.epoch == epochs[ready.segment]
        else { return }
        let open = rows.filter {
            $0.value.aggregate == ready.aggregate && $0.value.state.isOpen && $0.value.state != .halted
        }
        let taken = Array(open.keys.sorted().prefix(Int.random(in: 1...3, using: &random)))
        for position in taken { rows[position]?.state = .redriving }
        guard let batch = try? EventBatch(taken.map { events[Int($0) - 1] }) else { return }
        let id = state.accept(
            redrive: RedrivePlan(taken: taken, read: taken), batch, segment: ready.segment, now: now)
        redrive = (id, ready.aggregate, segment)
    }

    private mutating func settle(_ outcome: RedriveOutcome?) {
        guard let redrive else { return }
        self.redrive = nil
        guard let outcome, epochs[redrive.segment.segment] == redrive.segment.epoch else { return }
        for position in outcome.delivered where rows[position]?.state.isOpen == true {
            rows[position]?.state = .redriven
        }
        for position in outcome.left where rows[position]?.state == .redriving {
            rows[position]?.state = .parked
            rows[position]?.isRequested = false
        }
        if let failed = outcome.failed, !everBad.contains(failed.position), !failed.error.contains("takes no records") {
            Issue.record("\(failed.position) could not be redriven, and nothing is wrong with it: \(failed.error)")
        }
        if let failed = outcome.failed, rows[failed.position]?.state == .redriving {
            rows[failed.position]?.state = .parked
            rows[failed.position]?.isCause = true
            rows[failed.position]?.isRequested = false
        }
        let size = rows.values.count {
            $0.aggregate == redrive.aggregate && ($0.state == .parked || $0.state == .redriving)
        }
        state.settledRedrive(outcome.delivered, in: redrive.segment.segment)
        _ = state.found(size, of: redrive.aggregate, in: redrive.segment.segment)
    }

    private mutating func retry(_ segments: Set<Int>) {
        if ledger.retry(segments) { needsServing = true }
    }

    // MARK: What happens around

    /// An operator decides about something.
    private mutating func decide() {
        guard let position = rows.filter({ $0.value.state.isOpen }).keys.sorted().randomElement(using: &random) else {
            if let one = bad.sorted().randomElement(using: &random) { bad.remove(one) }
            return
        }
        switch Int.random(in: 0..<3, using: &random) {
        case 0: rows[position]?.isRequested = true
        case 1: bad.remove(position)
        default:
            guard rows[position]?.state != .redriving else { return }
            rows[position]?.state = .discarded
            everDiscarded.insert(position)
        }
    }

    private mutating func changeTopics() {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: absent.formSymmetricDifference([2])
        case 1: forbidden.formSymmetricDifference([2])
        case 2: partitions[0] += 1
        default: retry(Set(ledger.halts.map(\.segment)))
        }
    }

    /// Another worker has a segment for a moment.
    private mutating func loseSegment() {
        let segment = Int.random(in: 0..<Self.segments, using: &random)
        ledger.wrote(ledger.unwritten.map { write($0) })
        if transactions != nil { return loseSegment(segment) }
        epochs[segment] += 1
        ledger.own(claimed)
        needsServing = true
        serve()
    }

    /// The process is killed, and another one begins at the checkpoints.
    private mutating func kill() {
        (restarts, isLettingGo) = (restarts + 1, false)
        _ = endOpenTransaction()
        (underWay, given, counts, pending, ends, question, rowsToRecord, redrive) = (
            [], [:], [:], [], [:], nil, nil, nil
        )
        for segment in epochs.indices { epochs[segment] += 1 }
        transactions?.request = nil
        transactions?.answer = nil
        transactions?.freed = []
        transactions?.isFenced = false
        state = Self.newState(policy, template, transactions != nil)
        ledger = SegmentLedger()
        ledger.own(claimed)
        needsServing = true
        serve()
    }

    private mutating func endProcess() {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: kill()
        case 1, 2: failOver()
        case 3, 4: kept = kept ?? (rows, checkpoints)
        case 5:
            // The process is told to end, and waits for nothing more; what it was given goes on until it is gone.
            guard let first = pending.first else { return }
            state.forget(first.id)
            isLettingGo = true
        default: break
        }
    }

    /// A server takes over that lacks the last commits, while the process is down.
    private mutating func failOver() {
        guard let kept else { return }
        (rows, checkpoints) = (kept.rows, kept.checkpoints)
        self.kept = nil
        kill()
    }

    /// The worker takes in what has ended, in order.
    private mutating func settle() {
        for id in state.batchesWithParking where state.index(of: id).map({ !state.batches[$0].hasParking }) ?? true {
            Issue.record("batch \(id) waits for rows that nobody records")
        }
        _ = state.takeNotices()
        state.watch(now)
        for change in state.takeRecordMemory() { note(change) }
        for (id, resolution) in state.takeResolved() {
            transactions?.freed.remove(id)
            switch resolution {
            case .publication(let outcome): ends[id] = outcome
            case .redrive(let outcome): settle(outcome)
            }
        }
        if isLettingGo, Int.random(in: 0..<20, using: &random) == 0 { kill() }
        while !isLettingGo, let first = pending.first, let outcome = ends.removeValue(forKey: first.id) {
            pending.removeFirst()
            for claim in first.claims {
                if let halt = outcome.halts.first(where: { $0.segment == claim.segment }) {
                    ledger.halt(claim, halt)
                } else {
                    ledger.finish([claim], through: first.batch.through)
                }
            }
            checkProgress()
        }
    }

    /// The memory of records comes free with their acknowledgements, and counts again when they are sent again.
    private mutating func note(_ change: DeliveryState.RecordMemoryChange) {
        switch change {
        case .free(let id):
            if !isProducerGone, underWay.contains(where: { $0.batch == id }) {
                Issue.record("batch \(id) is freed, and is under way")
            }
            if transactions?.freed.insert(id).inserted != true { Issue.record("batch \(id) is freed twice") }
        case .used(let id):
            if transactions?.freed.remove(id) == nil { Issue.record("batch \(id) is used again, and was not freed") }
        }
    }

    // MARK: What has to hold

    /// Of an aggregate's events in a topic the first occurrences come in order, and nothing newer overtakes what is parked.
    private func checkOrder(_ position: Int64) {
        // What an operator gave up comes late where the server has lost that decision.
        if everDiscarded.contains(position) { return }
        let (aggregate, topic) = (aggregate(at: position), topicIndex(at: position))
        for later in isWritten where later > position && self.aggregate(at: later) == aggregate {
            if topicIndex(at: later) == topic { Issue.record("\(later) was written before \(position)") }
        }
        for (parked, row) in rows where parked < position && (row.state == .parked || row.state == .redriving) {
            if self.aggregate(at: parked) == aggregate, !isWritten.contains(parked) {
                Issue.record("\(position) overtakes \(parked), which is \(row.state)")
            }
        }
    }

    /// Behind no segment's progress is an event that is neither written nor in the table.
    private func checkProgress() {
        for (segment, done) in ledger.positions where done > 0 {
            for position in 1...done where self.segment(at: position) == segment {
                if isWritten.contains(position) { continue }
                if let row = rows[position], row.state != .halted { continue }
                Issue.record("segment \(segment) is done through \(done), and \(position) is nowhere")
            }
        }
    }

    /// Everything is put right, and all that is left happens.
    mutating func finish() {
        (bad, absent, forbidden) = ([], [], [])
        if isLettingGo { kill() }
        for _ in 0..<6_000 {
            now.instant += .milliseconds(50)
            handOver()
            perform()
            answerRecords()
            answerQuestion()
            answerTransactions()
            record()
            for (position, row) in rows where row.state.isOpen { rows[position]?.isRequested = true }
            attend()
            settle()
            if isFinished { break }
        }
        #expect(isFinished, "\(ledger.positions), \(state.halts.shown), \(rows.filter { $0.value.state.isOpen })")
        let discarded = rows.filter { $0.value.state == .discarded }.keys
        let lost = Set(events.map(\.globalPosition)).subtracting(isWritten).subtracting(discarded)
        #expect(lost.isEmpty, "lost: \(lost.sorted())")
        #expect(state.status(now: now) == .flowing && !state.isWaiting)
    }

    private var isFinished: Bool {
        ledger.positions.values.allSatisfy { $0 == Int64(events.count) } && pending.isEmpty && state.batches.isEmpty
            && state.exactlyOnce?.status == nil && state.parked.count == 0 && state.halts.isEmpty
            && !rows.values.contains { $0.state.isOpen }
    }
}
