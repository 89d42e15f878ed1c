import Consumers
import EventSourcing
import FoundationEssentials
import Kafka

/// What taking segments over asks of brokers and of the database.
protocol TakeoverAccess: Sendable {
    /// The own transactional id, whose producer owns it already.
    var transactionalID: String { get }

    /// What an operator can do where it is not known what was delivered.
    var remedy: String { get }

    /// What is recorded of the segments' owners.
    func owners(of segments: [Int]) async throws -> [Int: TransactionStore.Owner]

    /// Records the own id for segments whose rows are still as they were read, with the lineage for those that have none.
    func record(
        _ segments: [ServedSegment], lineage: String, former: [Int: TransactionStore.Owner]
    ) async throws -> [Int: TransactionStore.Recorded]

    /// Which of the segments are still claimed as they are served.
    func claimed(_ segments: [ServedSegment]) async throws -> Set<Int>

    /// Ends what a former owner has left open: from then on it commits nothing more.
    func fence(_ id: String) async throws

    /// The last committed progress of segments, by their lineages.
    func progress(_ lineages: [Int: String]) async throws -> [Int: SegmentProgress]

    /// The last events of segments that were parked among some, ascending, so many of each.
    func parked(_ asked: [DeadLettersTable.Passed], limit: Int) async throws -> [Int: [Int64]]

    /// Those of the events that the database does not have.
    func missing(_ events: [EventReference]) async throws -> [EventReference]
}

/// Takes segments over, in the order that exactly-once delivery rests on: what their former owners have left open is ended,
/// the own id is recorded, and only then is their progress read.
///
/// With the progress read first, a former owner could commit events behind it. Without the own id recorded first, a next
/// owner could not end what this one leaves open.
struct SegmentTakeover<Access: TakeoverAccess>: Sendable {
    private let access: Access
    /// The own id counts as ended: its producer has taken it over.
    private var fenced: Set<String>
    private var recorded: [Int: TransactionStore.Recorded] = [:]
    private var formers: [Int: TransactionStore.Owner] = [:]
    private var beginnings: [ServedSegment: ExactlyOnceState.Beginning] = [:]
    /// Segments that an owner was recorded of, and of which Kafka has no progress.
    private(set) var unknown: [Int] = []

    init(_ access: Access) {
        self.access = access
        fenced = [access.transactionalID]
    }

    /// - Parameters:
    ///   - segments: as they are served.
    ///   - known: what the producer of this process has committed itself of some of them.
    /// - Returns: how each begins.
    /// - Throws: `KafkaError`, `PostgresError`, ``ExactlyOnceRefusal``.
    mutating func run(
        _ segments: [ServedSegment], known: [Int: SegmentProgress]
    ) async throws -> [ServedSegment: ExactlyOnceState.Beginning] {
        try await own(segments)
        let progress = try await read(known: known, segments)
        try await checkExchanged(progress)
        let parked = try await parked(behind: progress)
        for segment in segments {
            guard let recorded = recorded[segment.segment] else { continue }
            var beginning =
                progress[segment.segment]
                ?? SegmentProgress(
                    lineage: recorded.lineage, epoch: segment.epoch, transactionalID: access.transactionalID)
            if let parked = parked[segment.segment] { beginning.parked.formUnion(parked) }
            beginnings[segment] = .after(beginning)
            if progress[segment.segment] == nil, formers[segment.segment]?.lineage != nil {
                unknown.append(segment.segment)
            }
        }
        try checkParked(progress)
        try await checkDelivered(progress)
        return beginnings
    }

    /// Ends the former owners, and records the own id in their place.
    private mutating func own(_ segments: [ServedSegment]) async throws {
        var open = segments
        while !open.isEmpty {
            try Task.checkCancellation()
            let owners = try await access.owners(of: open.map(\.segment))
            // A later claim's owner is not to be ended. But the rows of claims may have been made anew, or put back, since:
            // what they say counts.
            if open.contains(where: { segment in owners[segment.segment].map { $0.epoch > segment.epoch } ?? false }) {
                try await keepClaimed(&open)
            }
            let kept = Set(open.map(\.segment))
            let former = owners.filter { kept.contains($0.key) }
            try await fence(Set(former.values.compactMap(\.transactionalID)))
            let new = try await access.record(open, lineage: UUID().uuidString, former: former)
            recorded.merge(new) { $1 }
            formers.merge(former.filter { new[$0.key] != nil }) { $1 }
            open.removeAll { new[$0.segment] != nil }
            // Another worker's by now; or another one was faster to record its id, which is to be ended too.
            try await keepClaimed(&open)
        }
    }

    /// Leaves those to their owners that are claimed by others.
    private mutating func keepClaimed(_ open: inout [ServedSegment]) async throws {
        if open.isEmpty { return }
        let claimed = try await access.claimed(open)
        for segment in open where !claimed.contains(segment.segment) { beginnings[segment] = .lost }
        open.removeAll { !claimed.contains($0.segment) }
    }

    private mutating func fence(_ ids: Set<String>) async throws {
        for id in ids.subtracting(fenced).sorted() {
            try await access.fence(id)
            fenced.insert(id)
        }
    }

    /// What counts of what is committed.
    private mutating func read(
        known: [Int: SegmentProgress], _ segments: [ServedSegment]
    ) async throws -> [Int: SegmentProgress] {
        let claims = Dictionary(segments.map { ($0.segment, $0.epoch) }) { first, _ in first }
        var progress = known.filter { recorded[$0.key]?.lineage == $0.value.lineage }
        var unread = recorded.filter { progress[$0.key] == nil }.mapValues(\.lineage)
        while !unread.isEmpty {
            let found = try await access.progress(unread)
            // A database that has lost its last commits does not know the last owner, and gives its epoch out again.
            let unknown = found.filter { [formers] segment, progress in
                let former = formers[segment]
                return progress.epoch != former?.epoch || progress.epoch >= claims[segment] ?? .max
                    || progress.transactionalID != former?.transactionalID ?? progress.transactionalID
            }
            let writers = Set(unknown.values.map(\.transactionalID)).subtracting(fenced)
            if writers.isEmpty {
                progress.merge(found) { $1 }
                unread = [:]
            } else {
                try await fence(writers)
            }
        }
        return progress
    }

    /// What was parked and passed by the checkpoint, and that no transaction has recorded since: the next one passes it. What
    /// lies behind the checkpoint comes again, and is named when it is passed.
    private func parked(behind progress: [Int: SegmentProgress]) async throws -> [Int: ParkedPositions] {
        let asked = recorded.map { segment, recorded in
            DeadLettersTable.Passed(
                segment: segment, position: progress[segment]?.last?.position ?? -1, checkpoint: recorded.checkpoint)
        }
        if asked.isEmpty { return [:] }
        // One more shows that there are more.
        let found = try await access.parked(asked, limit: ParkedPositions.kept + 1)
        return found.reduce(into: [:]) { parked, entry in
            var positions = ParkedPositions(entry.value)
            positions.forget(through: recorded[entry.key]?.checkpoint ?? 0)
            parked[entry.key] = positions
        }
    }

    /// Of what is parked, the progress names what the checkpoint had not passed. Behind an earlier checkpoint other events may
    /// have been parked, in rows that the server has lost: they would count as delivered.
    private func checkParked(_ progress: [Int: SegmentProgress]) throws {
        for (segment, progress) in progress.sorted(by: { $0.key < $1.key }) {
            guard let forgotten = progress.parked.forgotten, let checkpoint = recorded[segment]?.checkpoint,
                checkpoint < forgotten
            else { continue }
            throw ExactlyOnceRefusal(
                "the checkpoint of segment \(segment) was beyond position \(forgotten), and is \(checkpoint) now: the server has "
                    + "lost its last commits, or the checkpoint was set back, and which events were parked in between is not "
                    + "known any more; \(access.remedy)")
        }
    }

    /// Where an exchange of the segments was under way, nothing was delivered under those that were to take their place: else it
    /// came to pass, and the server has lost it.
    private func checkExchanged(_ progress: [Int: SegmentProgress]) async throws {
        var checked: Set<String> = []
        for (segment, mark) in progress.sorted(by: { $0.key < $1.key }) {
            guard let successor = mark.successor, checked.insert(successor.lineage).inserted else { continue }
            let lineages = (0..<successor.segments).map { ($0, successor.lineage) }
            let found = try await access.progress(Dictionary(lineages) { first, _ in first })
            // What an exchange begins with has delivered nothing, and was exchanged for nothing. All exchanges have one id.
            let isUnused = found.values.allSatisfy {
                $0.transactionalID == mark.transactionalID && $0.successor == nil && $0.last == nil
            }
            if isUnused { continue }
            throw ExactlyOnceRefusal(
                "segment \(segment) was exchanged for others, \(successor.segments) in all, relays have gone on with these, and "
                    + "the database knows nothing of it: the server has lost its last commits, so where to go on exactly once is "
                    + "not known; \(access.remedy)")
        }
    }

    /// Events that were delivered are still in the database: else it is another log, or the server has lost commits and gives
    /// their positions to other events, which would be passed over.
    ///
    /// Where the checkpoint has passed them nothing comes again that they answer for: they may be gone.
    private func checkDelivered(_ progress: [Int: SegmentProgress]) async throws {
        let references = progress.flatMap { segment, progress in
            progress.covers.map(\.last).filter { $0.position > recorded[segment]?.checkpoint ?? 0 }
        }
        if references.isEmpty { return }
        let missing = try await access.missing(references)
        guard let first = missing.min(by: { $0.position < $1.position }) else { return }
        throw ExactlyOnceRefusal(
            "event \(first.eventID) at position \(first.position) was delivered, and is not in the database any more: it was "
                + "deleted, the server has lost its last commits, or this is another database, so where to go on exactly once "
                + "is not known; \(access.remedy)")
    }

}

/// What keeps a consumer from delivering exactly once, until an operator has decided.
struct ExactlyOnceRefusal: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
