import Consumers
import EventSourcing
import Kafka

/// The events of one feed batch on their way, over as many producers as it takes.
struct InFlightBatch {
    struct Entry {
        /// The row in the batch.
        let row: Int
        let segment: Int
        /// The topic's index in the router; `nil` until the event is routed.
        var topic: Int?
        var state = State.open
        /// Sent alone, because the broker rejected it together with others, or to find out whether it is taken by now.
        var isRetriedAlone = false
        /// Its record was found to be one that its topic takes.
        var isExamined = false
    }

    enum State: Sendable, Equatable {
        /// To be delivered.
        case open
        /// Acknowledged in a transaction that is not committed yet.
        case uncommitted
        case acknowledged
        /// To be recorded as parked.
        case parking
        /// The table of dead letters has it: nothing more is to be done.
        case settled
        /// Could not be redriven.
        case failed
        /// Left to be handed over again: its segment halts at it or before it, or is served no longer.
        case dropped
    }

    let id: Int
    let events: EventBatch
    /// Everything wanted up to this position is in this batch or an earlier one.
    let through: Int64
    /// Whether the next batch follows at once.
    let isFull: Bool
    /// Whether these are parked events of one aggregate that are delivered again.
    let isRedrive: Bool
    var entries: [Entry]
    /// What is wrong with entries that are parked or could not be redriven, by their index.
    var rejections: [Int: Rejection] = [:]
    /// What the records of entries in the dead-letter topic say, by their index.
    var notes: [Int: DeadLetterNote] = [:]
    /// What was made of entries' records before they are sent, by their index; empty where the route makes nothing.
    private var preparedRecords: [PreparedRecord?] = []
    /// What the current producer was given of it, or is about to be given.
    var attempt: FeedAttempt?
    /// All that is to be delivered of it is acknowledged, and waits for the transaction's commit.
    var isSent = false
    /// No caller waits for it any more; what the producer was given of it is observed to its end.
    var isResolved = false

    /// Whether nothing is left to be delivered or to be recorded as parked.
    var isDone: Bool { !entries.contains { $0.state == .open || $0.state == .uncommitted || $0.state == .parking } }

    var hasParking: Bool { entries.contains { $0.state == .parking } }

    init(
        id: Int, events: EventBatch, through: Int64, isFull: Bool, isRedrive: Bool, entries: [Entry]
    ) {
        self.id = id
        self.events = events
        self.through = through
        self.isFull = isFull
        self.isRedrive = isRedrive
        self.entries = entries
    }

    /// What was made of an entry's record; `nil` where nothing was.
    func prepared(_ entry: Int) -> PreparedRecord? { preparedRecords.isEmpty ? nil : preparedRecords[entry] }

    mutating func keep(_ record: PreparedRecord, of entry: Int) {
        if preparedRecords.isEmpty { preparedRecords = Array(repeating: nil, count: entries.count) }
        preparedRecords[entry] = record
    }

    func event(of entry: Int) -> EventView { events[entries[entry].row] }

    func position(of entry: Int) -> Int64 { event(of: entry).globalPosition }

    /// Takes in what became of the attempt's records, and ends it.
    ///
    /// - Parameter success: the state of what is acknowledged.
    /// - Returns: the topics' indices of what is newly acknowledged, and the failures of what is still to be delivered.
    mutating func endAttempt(
        _ outcome: RecordOutcomes, success: State = .acknowledged
    ) -> (acknowledged: [Int], failures: [FailureAssessment.Failure]) {
        guard let attempt else { return ([], []) }
        self.attempt = nil
        var acknowledged: [Int] = []
        for (record, entry) in attempt.entries.enumerated()
        where entries[entry].state == .open && outcome.isAcknowledged(record) {
            entries[entry].state = success
            if let topic = entries[entry].topic { acknowledged.append(topic) }
        }
        let failures = outcome.failures.compactMap { failure -> FailureAssessment.Failure? in
            guard attempt.entries.indices.contains(failure.index) else { return nil }
            let entry = attempt.entries[failure.index]
            guard entries[entry].state == .open else { return nil }
            return FailureAssessment.Failure(
                entry: FailureAssessment.Entry(inFlight: id, index: entry), topic: entries[entry].topic,
                error: KafkaError(failure.code), wasAlone: attempt.isAlone)
        }
        return (acknowledged, failures)
    }

    /// Whether a transaction that is not committed yet has records of it, or is about to.
    var isInTransaction: Bool { attempt?.isOpened == true || entries.contains { $0.state == .uncommitted } }

    /// The open transaction is committed, or lost.
    mutating func endTransaction(isCommitted: Bool) -> Int {
        var count = 0
        for index in entries.indices where entries[index].state == .uncommitted {
            entries[index].state = isCommitted ? .acknowledged : .open
            count += 1
        }
        return count
    }

    /// Gives the producer nothing more of what is dropped.
    mutating func leaveOutDropped() {
        attempt?.leaveOut { [entries] in entries[$0].state == .dropped }
    }

    /// How the delivery of parked events ended; `nil` if they were dropped.
    var redriveOutcome: RedriveOutcome? {
        var outcome = RedriveOutcome()
        for index in entries.indices {
            switch entries[index].state {
            case .acknowledged, .settled: outcome.delivered.append(position(of: index))
            case .failed:
                let rejection = rejections[index] ?? .follows
                outcome.failed = .init(position: position(of: index), reason: rejection.reason, error: rejection.error)
            case .open, .uncommitted, .dropped, .parking: outcome.left.append(position(of: index))
            }
        }
        return outcome.left.isEmpty || outcome.failed != nil ? outcome : nil
    }
}

/// What became of the records that a producer was given of a batch, by their index among these.
struct RecordOutcomes: Sendable {
    /// Empty where all records are acknowledged.
    var acknowledged: [Bool] = []
    var failures: [(index: Int, code: KafkaError.Code)] = []

    static let delivered = RecordOutcomes()

    func isAcknowledged(_ record: Int) -> Bool {
        acknowledged.isEmpty ? failures.isEmpty : acknowledged.indices.contains(record) && acknowledged[record]
    }
}

/// How a producer is given the records of a batch: first those that have to go alone to their partitions, then the others.
struct FeedAttempt {
    /// The batch's entries by their records' index.
    let entries: [Int]
    let source: EventRecordSource
    /// Whether its only record goes while nothing else is under way.
    let isAlone: Bool
    /// Whether nothing of the batch is left to be given to the producer behind these.
    let isLast: Bool
    /// The first records of their partitions; what follows waits until they are acknowledged.
    let first: [(record: Int, partition: FirstBatchGate.Partition)]
    /// The other records, in the order in which they are given.
    private(set) var rest: [Int]
    /// How many records were given to the producer.
    private(set) var handed = 0
    private(set) var acknowledged = 0
    private(set) var isOpened = false

    init(
        entries: [Int], source: EventRecordSource, isAlone: Bool, isLast: Bool,
        first: [(record: Int, partition: FirstBatchGate.Partition)], rest: [Int]
    ) {
        assert(first.count + rest.count == entries.count && source.count == entries.count, "a record without its place")
        assert(!isAlone || entries.count == 1, "what goes alone is one record")
        self.entries = entries
        self.source = source
        self.isAlone = isAlone
        self.isLast = isLast
        self.first = first
        self.rest = rest
    }

    /// Whether nothing more is to be given to the producer.
    var isFed: Bool { handed == first.count + rest.count }

    /// Whether the first records have to be acknowledged before another one is given, of this batch or a later one.
    var isWaitingForFirst: Bool { handed == first.count && acknowledged < first.count }

    /// The records to give next, in order.
    var next: RecordIndices {
        if handed < first.count { return RecordIndices(first.dropFirst(handed).map(\.record)) }
        var indices = RecordIndices(rest)
        indices.dropFirst(handed - first.count)
        return indices
    }

    /// The producer took some records of ``next``.
    mutating func took(_ count: Int) {
        isOpened = true
        handed += count
        assert(handed <= first.count + rest.count, "more records than there are")
    }

    /// So many records are acknowledged.
    ///
    /// - Returns: whether that is news.
    mutating func observed(acknowledged count: Int) -> Bool {
        assert(count <= handed, "acknowledged before it was given")
        defer { acknowledged = max(acknowledged, count) }
        return count > acknowledged
    }

    /// Leaves out what is not given to the producer yet and need not be.
    mutating func leaveOut(_ isLeftOut: (_ entry: Int) -> Bool) {
        let restHanded = max(0, handed - first.count)
        // First records stay: others wait for them.
        rest = Array(rest[..<restHanded]) + rest[restHanded...].filter { !isLeftOut(entries[$0]) }
    }
}
