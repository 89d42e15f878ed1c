import EventSourcing

/// How far each owned segment has come: handed over, done, and written to its checkpoint; and which of them halt.
///
/// It outlives the connections to PostgreSQL, so that a restart of the server makes nobody do again what is under way
/// or done, unless the server has forgotten some of it. A pure value.
struct SegmentLedger: Sendable {
    private struct Entry {
        let epoch: Int64
        var attempt: Int
        var handedOver: Int64
        var done: Int64
        var written: Int64
        var halt: SegmentHalt?
    }

    private var entries: [Int: Entry] = [:]
    /// Distinguishes beginnings of a segment under the same epoch.
    private var attempts = 0

    init() {}

    /// Takes in what the database says is owned. A segment that is still owned under the epoch known here goes on where
    /// it was; every other begins at its checkpoint.
    mutating func own(_ segments: [Segment]) {
        var owned: [Int: Entry] = [:]
        for segment in segments {
            if let entry = entries[segment.id], entry.epoch == segment.epoch {
                owned[segment.id] = entry
            } else {
                owned[segment.id] = Entry(
                    epoch: segment.epoch, attempt: attempts, handedOver: segment.checkpoint, done: segment.checkpoint,
                    written: segment.checkpoint)
            }
        }
        entries = owned
    }

    /// The segments that are owned, in order.
    var claims: [SegmentClaim] {
        entries.map { SegmentClaim(segment: $0.key, epoch: $0.value.epoch, attempt: $0.value.attempt) }
            .sorted { $0.segment < $1.segment }
    }

    /// The segments that are owned and where each began, for a consumer.
    var served: [ServedSegment] {
        entries.map {
            ServedSegment(segment: $0.key, checkpoint: $0.value.done, epoch: $0.value.epoch, attempt: $0.value.attempt)
        }
        .sorted { $0.segment < $1.segment }
    }

    /// Whether the segment is still owned under the epoch, and has not begun anew since.
    func holds(_ claim: SegmentClaim) -> Bool {
        guard let entry = entries[claim.segment] else { return false }
        return entry.epoch == claim.epoch && entry.attempt == claim.attempt
    }

    /// Whether the segment's events are still to be handled: it is held under the claim, and does not halt.
    func takes(_ claim: SegmentClaim) -> Bool {
        holds(claim) && entries[claim.segment]?.halt == nil
    }

    /// The position behind which a segment's events are to be handed over; `nil` if it is not owned, or halts.
    func handedOver(_ segment: Int) -> Int64? {
        guard let entry = entries[segment], entry.halt == nil else { return nil }
        return entry.handedOver
    }

    /// Where a feed of all owned segments that do not halt begins; `nil` if there is none.
    var lowestHandedOver: Int64? { entries.values.lazy.filter { $0.halt == nil }.map(\.handedOver).min() }

    /// The positions up to which everything is done, by segment.
    var positions: [Int: Int64] { entries.mapValues(\.done) }

    /// Notes that everything of the segments up to the position was handed over.
    mutating func handOver(_ claims: [SegmentClaim], through position: Int64) {
        for claim in claims where holds(claim) {
            entries[claim.segment]?.handedOver.raise(to: position)
        }
    }

    /// Notes that everything of the segments up to the position is done.
    mutating func finish(_ claims: [SegmentClaim], through position: Int64) {
        for claim in claims where holds(claim) && entries[claim.segment]?.halt == nil {
            entries[claim.segment]?.done.raise(to: position)
        }
    }

    /// Forgets what was handed over but not done: it will be handed over again.
    mutating func takeBack() {
        for (segment, entry) in entries { entries[segment]?.handedOver = entry.done }
    }

    /// Has every segment begin anew behind what is done, because the lease has ended: what was handed over before counts no
    /// longer, however it ends. Halts stay until they are tried again.
    mutating func withdraw() {
        attempts += 1
        for (segment, entry) in entries {
            entries[segment]?.attempt = attempts
            entries[segment]?.handedOver = entry.done
        }
    }

    // MARK: Halts

    /// The halts, in the order of the segments.
    var halts: [SegmentHalt] { entries.values.compactMap(\.halt).sorted { $0.segment < $1.segment } }

    /// Notes that a segment is done up to an event and halts there, unless it halts already.
    ///
    /// - Returns: whether that is new.
    @discardableResult mutating func halt(_ claim: SegmentClaim, _ halt: SegmentHalt) -> Bool {
        guard holds(claim), entries[claim.segment]?.halt == nil else { return false }
        entries[claim.segment]?.done.raise(to: halt.position - 1)
        entries[claim.segment]?.halt = halt
        return true
    }

    /// Has segments that halt begin anew behind what is done; whatever was handed over before counts no longer.
    ///
    /// - Returns: whether there was one.
    @discardableResult mutating func retry(_ segments: Set<Int>) -> Bool {
        var isSome = false
        for segment in segments {
            guard let entry = entries[segment], entry.halt != nil else { continue }
            attempts += 1
            entries[segment]?.halt = nil
            entries[segment]?.attempt = attempts
            entries[segment]?.handedOver = entry.done
            isSome = true
        }
        return isSome
    }

    // MARK: Checkpoints

    /// The checkpoints that lie behind what is done.
    var unwritten: [CheckpointMove] {
        entries.filter { $0.value.done > $0.value.written }.map { segment, entry in
            CheckpointMove(segment: segment, epoch: entry.epoch, position: entry.done)
        }
    }

    /// What is done of some segments, whether or not it was written.
    func moves(of segments: [Int]) -> [CheckpointMove] {
        segments.compactMap { segment in
            entries[segment].map { CheckpointMove(segment: segment, epoch: $0.epoch, position: $0.done) }
        }
    }

    /// The checkpoints that may be written after a loss of the database, which still has the event, whether or not
    /// they were written before it.
    ///
    /// Positions up to a committed event are drawn for ever. Those behind the last one may have been drawn by
    /// transactions that were never committed, and a crash gives them out again.
    func moves(upTo event: EventReference) -> [CheckpointMove] {
        entries.map { segment, entry in
            CheckpointMove(segment: segment, epoch: entry.epoch, position: min(entry.done, event.position))
        }
    }

    /// Forgets everything: segments begin at their checkpoints again.
    mutating func forget() {
        entries = [:]
        attempts += 1
    }

    /// Notes that checkpoints were written.
    mutating func wrote(_ moves: [CheckpointMove]) {
        for move in moves where entries[move.segment]?.epoch == move.epoch {
            entries[move.segment]?.written.raise(to: move.position)
        }
    }
}

extension Int64 {
    /// Positions never go back.
    fileprivate mutating func raise(to position: Int64) {
        self = Swift.max(self, position)
    }
}

/// A segment together with the epoch it was claimed under.
struct SegmentClaim: Sendable, Hashable {
    let segment: Int
    let epoch: Int64
    /// Counts the beginnings under the epoch: a segment that halted begins anew.
    var attempt = 0
}

/// One of a consumer's shares of all aggregates, as its owner claimed it.
struct Segment: Sendable, Hashable {
    /// Counts from 0.
    let id: Int
    /// Everything up to this position was done at the claim.
    let checkpoint: Int64
    /// Counts the claims: who holds an older epoch has lost the segment.
    let epoch: Int64
}
