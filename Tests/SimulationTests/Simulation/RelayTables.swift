import EventSourcing

@testable import Consumers
@testable import KafkaBridge

/// Godwit's own tables, and what its statements do with them, each at one instant.
struct RelayTables: Equatable {
    struct SegmentRow: Equatable {
        var checkpoint: Int64 = 0
        var owner: String?
        var epoch: Int64 = 0
    }

    struct Beat: Equatable {
        var time: Int
        var hasSessionLock: Bool
        var takeoverAfter: Duration?
        var staleAfter: Duration?
    }

    struct Recorded: Equatable {
        var identity: StoreIdentity?
        var refusal: String?
    }

    struct SegmentOwner: Equatable {
        var id: String?
        var epoch: Int64
        var lineage: String?
    }

    struct Letter: Equatable {
        let segment: Int
        let aggregate: AggregateIdentity
        let event: Int
        let isCause: Bool
    }

    static let consumers = ["least", "once"]
    /// By consumer, then by segment.
    var segments: [[SegmentRow]] = [
        Array(repeating: SegmentRow(), count: 3), Array(repeating: SegmentRow(), count: 2),
    ]
    /// By consumer, then by worker.
    var beats: [[String: Beat]] = [[:], [:]]
    var recorded: [Recorded] = [Recorded(), Recorded()]
    /// Under which transactional id each segment is delivered exactly once.
    var owners: [Int: SegmentOwner] = [:]
    /// By consumer, then by position: what is parked.
    var letters: [[Int64: Letter]] = [[:], [:]]
}

extension SimulatedDatabase {
    private var now: Int { simulation.now }

    // MARK: Workers

    /// A heartbeat for all consumers: whether its row had to be made, for each.
    func beat(_ worker: String, _ terms: LeaseTerms, session: Int) -> [Bool] {
        let isHeld = tryLock(worker, session)
        flush()
        return state.tables.beats.indices.map { consumer in
            let isBegun = state.tables.beats[consumer][worker] == nil
            state.tables.beats[consumer][worker] = RelayTables.Beat(
                time: now, hasSessionLock: isHeld, takeoverAfter: isHeld ? terms.takeover : nil, staleAfter: terms.stale
            )
            return isBegun
        }
    }

    struct Look: Sendable {
        var workers: [Set<String>] = []
        var segments: [[MembershipView.Row]] = []
        /// The owners of segments that are not registered and have no session.
        var missing: [String] = []
    }

    /// Removes the workers that are dead by ``WorkerRow/isDead(ownStale:)``, and lists the others.
    func look(_ worker: String, ownStale: Duration, freeing missing: [String]) -> Look {
        var look = Look()
        for consumer in state.tables.beats.indices {
            for (name, beat) in state.tables.beats[consumer].sorted(by: { $0.key < $1.key }) where name != worker {
                let row = WorkerRow(
                    age: .milliseconds(now - beat.time), hasSessionLock: beat.hasSessionLock,
                    isLockFree: locks[name] == nil, takeoverAfter: beat.takeoverAfter, staleAfter: beat.staleAfter)
                guard row.isDead(ownStale: ownStale) else { continue }
                simulation.note("\(worker) takes \(name) for dead after \(row.age)")
                state.tables.beats[consumer][name] = nil
                free(consumer, of: name)
            }
            let registered = Set(state.tables.beats[consumer].keys)
            for row in state.tables.segments[consumer] {
                guard let owner = row.owner, !registered.contains(owner), locks[owner] == nil else { continue }
                if missing.contains(owner) { free(consumer, of: owner) } else { look.missing.append(owner) }
            }
            look.workers.append(registered.union([worker]))
            look.segments.append(
                state.tables.segments[consumer].enumerated().map {
                    MembershipView.Row(segment: $0.offset, owner: $0.element.owner, epoch: $0.element.epoch)
                })
        }
        flush()
        return look
    }

    private func free(_ consumer: Int, of worker: String) {
        for segment in state.tables.segments[consumer].indices
        where state.tables.segments[consumer][segment].owner == worker {
            state.tables.segments[consumer][segment].owner = nil
        }
    }

    func deregister(_ worker: String) {
        for consumer in state.tables.beats.indices
        where !state.tables.segments[consumer].contains(where: { $0.owner == worker }) {
            state.tables.beats[consumer][worker] = nil
        }
        flush()
    }

    // MARK: Segments

    func owned(_ consumer: Int, by worker: String) -> [Segment] {
        state.tables.segments[consumer].enumerated().filter { $0.element.owner == worker }.map {
            Segment(id: $0.offset, checkpoint: $0.element.checkpoint, epoch: $0.element.epoch)
        }
    }

    func claim(_ consumer: Int, _ worker: String, limit: Int) {
        var left = limit
        for segment in state.tables.segments[consumer].indices where left > 0 {
            guard state.tables.segments[consumer][segment].owner == nil else { continue }
            state.tables.segments[consumer][segment].owner = worker
            state.tables.segments[consumer][segment].epoch += 1
            left -= 1
            simulation.note(
                "\(worker) claims \(consumer)/\(segment), epoch \(state.tables.segments[consumer][segment].epoch)")
        }
        flush()
    }

    /// Moves checkpoints where the owner still has the segments under the same epochs, and gives those it has moved.
    func move(_ consumer: Int, _ worker: String, _ moves: [CheckpointMove]) -> [Int] {
        let moved = moves.filter {
            let row = state.tables.segments[consumer][$0.segment]
            return row.owner == worker && row.epoch == $0.epoch
        }
        for move in moved { raise(consumer, move, worker) }
        flush()
        return moved.map(\.segment)
    }

    func release(_ consumer: Int, _ worker: String, _ moves: [CheckpointMove]) {
        for segment in move(consumer, worker, moves) { state.tables.segments[consumer][segment].owner = nil }
    }

    private func raise(_ consumer: Int, _ move: CheckpointMove, _ worker: String) {
        let before = state.tables.segments[consumer][move.segment].checkpoint
        guard move.position > before else { return }
        simulation.check(consumer, move.segment, from: before, to: move.position, worker)
        state.tables.segments[consumer][move.segment].checkpoint = move.position
    }

    // MARK: Exactly once

    func record(
        _ id: String, lineage: String, _ claims: [ServedSegment], former: [Int: TransactionStore.Owner]
    ) -> [Int: TransactionStore.Recorded] {
        var recorded: [Int: TransactionStore.Recorded] = [:]
        for claim in claims {
            let row = state.tables.segments[1][claim.segment]
            guard row.epoch == claim.epoch else { continue }
            let owner = state.tables.owners[claim.segment]
            let read = former[claim.segment]
            guard owner?.id == read?.transactionalID, owner?.epoch == read?.epoch else { continue }
            let kept = owner?.lineage ?? lineage
            state.tables.owners[claim.segment] = RelayTables.SegmentOwner(id: id, epoch: claim.epoch, lineage: kept)
            recorded[claim.segment] = TransactionStore.Recorded(lineage: kept, checkpoint: row.checkpoint)
        }
        flush()
        return recorded
    }

    func releaseOwner(_ id: String, _ segments: [ServedSegment]) {
        for segment in segments {
            guard let owner = state.tables.owners[segment.segment], owner.id == id, owner.epoch == segment.epoch else {
                continue
            }
            state.tables.owners[segment.segment]?.id = nil
        }
        flush()
    }

    func claimed(_ segments: [ServedSegment]) -> Set<Int> {
        Set(segments.filter { state.tables.segments[1][$0.segment].epoch == $0.epoch }.map(\.segment))
    }

    // MARK: Parked events

    func park(_ consumer: Int, _ events: [UndeliverableEvent]) -> [Int: Int64] {
        for event in events where state.tables.segments[consumer][event.segment].epoch == event.epoch {
            if state.tables.letters[consumer][event.position] != nil { continue }
            state.tables.letters[consumer][event.position] = RelayTables.Letter(
                segment: event.segment, aggregate: event.aggregate, event: Account.number(event.eventID),
                isCause: event.reason != .follows)
        }
        flush()
        return Dictionary(
            uniqueKeysWithValues: state.tables.segments[consumer].enumerated().map { ($0.offset, $0.element.epoch) })
    }

    func know(_ consumer: Int, _ segments: [ServedSegment]) -> DeadLetterStore.Knowledge {
        var knowledge = DeadLetterStore.Knowledge()
        for segment in segments {
            let letters = state.tables.letters[consumer].filter { $0.value.segment == segment.segment }
            knowledge.waiting[segment.segment] = Dictionary(grouping: letters, by: \.value.aggregate).values.compactMap
            {
                group in
                guard let first = group.min(by: { $0.key < $1.key }) else { return nil }
                return WaitingAggregate(
                    segment: segment.segment, aggregate: first.value.aggregate, position: first.key,
                    isCause: first.value.isCause, state: .parked, isRedriveRequested: false, size: group.count)
            }
            .sorted { $0.position < $1.position }
            for position in letters.keys where position > segment.checkpoint {
                knowledge.known[segment.segment, default: [:]][position] = .parked
            }
        }
        return knowledge
    }
}
