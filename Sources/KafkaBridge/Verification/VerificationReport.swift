package import Consumers

/// What a comparison of the events committed with the records delivered has found.
package struct VerificationReport: Sendable, Equatable {
    /// One event, as an example.
    package struct Example: Sendable, Equatable {
        package let position: Int64
        package let eventID: String
        /// Which event it is, for people; empty where it could not be read again.
        package internal(set) var aggregate = ""
        package internal(set) var eventType = ""

        init(position: Int64, eventID: String) {
            self.position = position
            self.eventID = eventID
        }
    }

    /// Events of one kind: how many, and the first of them.
    package struct Finding: Sendable, Equatable {
        /// So many are shown.
        static let limit = 20

        package private(set) var count = 0
        package internal(set) var examples: [Example] = []

        package init() {}

        mutating func add(_ position: Int64, _ id: EventID) {
            count += 1
            if examples.count < Self.limit { examples.append(Example(position: position, eventID: id.text)) }
        }
    }

    /// What is told of events beside that they were delivered.
    package enum Kind: String, Sendable, CaseIterable {
        case missing
        case doubled
        case outOfOrder = "out_of_order"
        /// In a topic that they do not belong to; missing in their own, unless they are there too.
        case misplaced
        /// Delivered with another value than they have.
        case different
        /// Not found, and not due yet: behind the consumer's checkpoint.
        case pending
        /// Not found, and never to be delivered: before the consumer began, or outside of the scope that it had then.
        case passedOver = "passed_over"
        /// Not found, and passed under a version that kept no record of starts and scopes: missing, or passed over.
        case unrecorded
        /// Not found, and parked until an operator decides.
        case parked
        /// Not found but in the consumer's dead-letter topic.
        case deadLettered = "dead_lettered"
        /// Not found, and given up by an operator.
        case discarded
        /// Not found, where records of their time or key are deleted by now.
        case unknowable = "not_to_be_known"
        /// Not found, and perhaps behind an open transaction.
        case hidden
        /// Not found, where nothing shows whether they were there.
        case unproven

        /// Whether the events are in no topic of theirs: each committed event is delivered, or one of these.
        package var isAbsence: Bool {
            switch self {
            case .doubled, .outOfOrder, .misplaced, .different: false
            default: true
            }
        }
    }

    /// A partition that ends with an open transaction, behind which nothing can be read.
    package struct OpenTransaction: Sendable, Equatable {
        package let partition: String
        /// The first offset that cannot be read.
        package let offset: Int64
    }

    package let consumer: String
    package let after: Int64
    package let through: Int64
    /// How many events each topic should have.
    package var topics: [SelectionCount.Topic] = []
    /// Whether the consumer has checkpoints; without, it was never started.
    package var hasCheckpoints = true

    package var committed = 0
    package var recordsRead = 0
    /// Records in the topics that name no event: of others, or from when the consumer's `headers` left out `event_id`. So many
    /// at least.
    package var unnamedRecords = 0
    /// Found in a topic, also only by a job.
    package var delivered = 0
    /// Of those, found only in records that a job published again: delivered late, behind later events perhaps.
    package var repaired = 0
    /// Also found in records that a job published again.
    package var republished = 0
    package internal(set) var findings: [Kind: Finding] = [:]
    package var openTransactions: [OpenTransaction] = []
    /// Why settings of topics could not be seen, on which it depends what absence means.
    package var unseenSettings: [String] = []
    /// What retention has removed of the range: those events were not looked at.
    package var pruned: PruningRecord?
    /// What of it was removed before the consumer had it, and is lost to it.
    package var missed: MissedRows?
    /// Whether they were asked for.
    package var isPrunedAsked = false
    /// Whether values were compared too.
    package var comparesValues = false
    /// Whether the order of aggregates that come far apart was not compared.
    package var isOrderPartial = false

    package init(consumer: String, after: Int64, through: Int64) {
        self.consumer = consumer
        self.after = after
        self.through = through
    }

    package subscript(kind: Kind) -> Finding { findings[kind] ?? Finding() }

    mutating func add(_ kind: Kind, _ position: Int64, _ id: EventID) {
        findings[kind, default: Finding()].add(position, id)
    }

    /// What a comparison comes to.
    package enum Verdict: Sendable, Equatable {
        /// No event lies in the range, so that nothing was compared.
        case empty
        /// Something is missing, doubled, out of order, in another topic or with another value.
        case wrong
        /// Nothing is wrong as far as could be seen, and not everything could.
        case unproven
        /// Nothing is wrong, and not everything is delivered yet.
        case pending
        case clean
    }

    package func verdict(allowingDoubles: Bool) -> Verdict {
        assert(committed == delivered + Kind.allCases.filter(\.isAbsence).reduce(0) { $0 + self[$1].count })
        if self[.missing].count > 0 || !isRightButForMissing(allowingDoubles: allowingDoubles) { return .wrong }
        if isPrunedAsked { return .unproven }
        if committed == 0 { return .empty }
        if self[.hidden].count + self[.unproven].count + openTransactions.count > 0 { return .unproven }
        return self[.pending].count > 0 ? .pending : .clean
    }

    /// Whether nothing else is wrong than what a repair fixes.
    package func isRightButForMissing(allowingDoubles: Bool) -> Bool {
        missed == nil
            && self[.outOfOrder].count + self[.unrecorded].count + self[.misplaced].count + self[.different].count == 0
            && (allowingDoubles || self[.doubled].count == 0)
    }

    // MARK: Taking in

    /// Takes in a window: what was found of it, and what it means that the rest was not.
    mutating func take(_ ledger: DeliveryLedger, _ absences: [Absence], disordered: [Int]) {
        committed += ledger.count
        for index in 0..<ledger.count {
            let (position, id, live) = (ledger.positions[index], ledger.id(index), ledger.liveCount(index))
            if ledger.isMisplaced(index) { add(.misplaced, position, id) }
            if ledger.isDelivered(index) {
                delivered += 1
                if ledger.isRepublished(index) { republished += 1 }
                if live == 0 { repaired += 1 }
                if live > 1 { add(.doubled, position, id) }
                if ledger.isDifferent(index) { add(.different, position, id) }
            } else if ledger.isDeadLetter(index) {
                add(.deadLettered, position, id)
            }
        }
        for absence in absences { add(Kind(absence.kind), absence.position, absence.id) }
        for index in disordered { add(.outOfOrder, ledger.positions[index], ledger.id(index)) }
    }
}

extension VerificationReport.Kind {
    fileprivate init(_ kind: Absence.Kind) {
        self =
            switch kind {
            case .missing: .missing
            case .pending: .pending
            case .passedOver: .passedOver
            case .unrecorded: .unrecorded
            case .parked: .parked
            case .discarded: .discarded
            case .deleted: .unknowable
            case .hidden: .hidden
            case .unproven: .unproven
            }
    }
}
