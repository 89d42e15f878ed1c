import Consumers

/// Which segments a publisher halts, why, and since which batch. A pure value.
///
/// A segment that begins anew after a halt is shown as halted until it has passed the event: an attempt is no success yet.
struct SegmentHalts: Sendable {
    enum Cause: Sendable, Equatable {
        /// The event can never be delivered as it is, which the table of dead letters is to say.
        case event(UndeliverableEvent)
        /// As `event`, and the table says so already: found there, or recorded since.
        case recorded
        /// The payload was left behind when the event was read, and its topic takes it by now: it is read again.
        case reread
        /// The event's topic, by its index in the router, takes no records at the moment.
        case topic(Int)
    }

    private struct Entry {
        var halt: SegmentHalt
        var cause: Cause
        /// The event's topic, by its index in the router, if it has one.
        var topic: Int?
        /// The batch it was found in. Of this and later ones nothing of the segment is delivered from the event on.
        var inFlight: Int
        /// What comes from this batch on belongs to another attempt.
        var nextAttempt: Int?
    }

    private var entries: [Int: Entry] = [:]
    /// The positions that the table of dead letters says segments halt at, by segment: also one that a segment has halted
    /// before since.
    private var recorded: [Int: Set<Int64>] = [:]
    /// The halts that were reported, by segment, so that an attempt that ends at the same event is no news.
    private var reported: [Int: SegmentHalt] = [:]

    /// Whether nothing is to be shown or remembered.
    var isEmpty: Bool { entries.isEmpty }

    /// All that are to be shown, in the order of the segments.
    var shown: [SegmentHalt] { sorted { _ in true } }

    /// Those that are not being tried again at the moment.
    var standing: [SegmentHalt] { sorted { $0.nextAttempt == nil } }

    /// The halts that count for a caller that has handed over batches up to this one.
    func of(batchesThrough id: Int) -> [SegmentHalt] { sorted { $0.nextAttempt == nil && $0.inFlight <= id } }

    private func sorted(_ isWanted: (Entry) -> Bool) -> [SegmentHalt] {
        entries.values.filter(isWanted).map(\.halt).sorted { $0.segment < $1.segment }
    }

    /// Whether an event of a segment lies at its halt or behind it.
    func blocks(_ segment: Int, at position: Int64) -> Bool {
        guard let entry = entries[segment] else { return false }
        return entry.nextAttempt == nil && position >= entry.halt.position
    }

    /// Whether a segment halted at the event and is being tried again.
    func isTried(_ segment: Int, at position: Int64) -> Bool {
        guard let entry = entries[segment], entry.nextAttempt != nil else { return false }
        return entry.halt.position == position
    }

    /// The topic of the event that a segment halts at.
    func topic(of segment: Int) -> Int? { entries[segment]?.topic }

    // MARK: Changes

    /// Halts a segment. False if it halts at this event or before it already.
    mutating func halt(_ halt: SegmentHalt, _ cause: Cause, topic: Int?, in inFlight: Int) -> Bool {
        if let known = entries[halt.segment], known.nextAttempt == nil, known.halt.position <= halt.position {
            return false
        }
        entries[halt.segment] = Entry(halt: halt, cause: cause, topic: topic, inFlight: inFlight)
        return true
    }

    /// The segment halted under its former owner, and is tried again with the batches from this one on. False if that is
    /// known.
    mutating func takeOver(_ halt: SegmentHalt, from inFlight: Int) -> Bool {
        recorded[halt.segment, default: []].insert(halt.position)
        if let entry = entries[halt.segment], entry.halt.position == halt.position { return false }
        entries[halt.segment] = Entry(halt: halt, cause: .recorded, inFlight: inFlight, nextAttempt: inFlight)
        return true
    }

    /// The segment begins anew; its events come with the batches from this one on.
    mutating func beginAnew(_ segment: Int, from inFlight: Int) { entries[segment]?.nextAttempt = inFlight }

    /// The segment is served no longer.
    mutating func end(_ segment: Int) {
        entries[segment] = nil
        recorded[segment] = nil
        reported[segment] = nil
    }

    /// Whether a halt is other than the one that was reported last.
    mutating func isNews(_ halt: SegmentHalt) -> Bool {
        defer { reported[halt.segment] = halt }
        return reported[halt.segment] != halt
    }

    /// A batch is done.
    ///
    /// - Returns: the halts that are passed by it, and the positions among what is passed that the table of dead letters has.
    mutating func done(_ inFlight: Int, through position: Int64) -> (halts: [SegmentHalt], recorded: [Int64]) {
        let passed = entries.values.filter { entry in
            guard let next = entry.nextAttempt else { return false }
            return inFlight >= next && position >= entry.halt.position
        }
        for entry in passed { (entries[entry.halt.segment], reported[entry.halt.segment]) = (nil, nil) }
        var positions: [Int64] = []
        for (segment, known) in recorded where entries[segment] == nil {
            let gone = known.filter { $0 <= position }
            positions += gone
            recorded[segment] = known.count == gone.count ? nil : known.subtracting(gone)
        }
        return (passed.map(\.halt).sorted { $0.segment < $1.segment }, positions.sorted())
    }

    /// No caller waits for a batch any more, and its events will be handed over again.
    mutating func forget(inFlight: Int) {
        entries = entries.filter { $0.value.inFlight != inFlight || $0.value.nextAttempt != nil }
    }

    // MARK: The table of dead letters

    /// The events that the table of dead letters is to be told of.
    var unrecorded: [UndeliverableEvent] {
        entries.values.compactMap { entry in
            guard case .event(let event) = entry.cause, entry.nextAttempt == nil else { return nil }
            return event
        }
    }

    /// The table has the events.
    mutating func recorded(_ events: [UndeliverableEvent]) {
        for event in events where entries[event.segment]?.cause == .event(event) {
            entries[event.segment]?.cause = .recorded
            recorded[event.segment, default: []].insert(event.position)
        }
    }

    /// The halts about which an operator may decide in the table, not being tried again.
    var decidable: [SegmentHalt] { sorted { $0.nextAttempt == nil && $0.cause == .recorded } }

    // MARK: What ends by itself

    /// The segments that halt until their events are read again.
    var rereads: Set<Int> {
        Set(entries.values.filter { $0.nextAttempt == nil && $0.cause == .reread }.map(\.halt.segment))
    }

    /// The segments that halt because of a topic, in order, not being tried again.
    func segments(waitingForTopic topic: Int) -> [Int] {
        sorted { $0.nextAttempt == nil && $0.cause == .topic(topic) }.map(\.segment)
    }
}
