import EventSourcing

/// Which aggregates of the served segments are parked, as far as a publisher knows. A pure value.
///
/// The table decides; this is what an event is looked up in on its way. An aggregate stays parked while the table has an
/// open event of it, or one that is to be recorded there is still on its way: only then may newer events flow.
struct ParkedAggregates: Sendable {
    enum Fate: Sendable, Equatable {
        case deliver
        /// It waits behind parked events of its aggregate, and is to be recorded.
        case follow
        /// Its row is there: nothing is to be done.
        case settled(isDelivered: Bool)
    }

    private struct Backlog: Sendable {
        /// The first event that is parked: what lies before it does not wait for it.
        var first: Int64
        /// How many the table has.
        var size: Int
        /// How many are to be recorded there.
        var pending = 0
    }

    private struct Segment: Sendable {
        var aggregates: [AggregateIdentity: Backlog] = [:]
        /// Events behind the checkpoint that the table knew when the segment began.
        var known: [Int64: DeadLetter.State] = [:]
        /// The first batch that may hold them.
        var begin = 0
    }

    private var segments: [Int: Segment] = [:]

    /// How many aggregates are parked.
    private(set) var count = 0

    /// How many events are parked.
    var size: Int {
        segments.values.reduce(0) { $0 + $1.aggregates.values.reduce(0) { $0 + $1.size + $1.pending } }
    }

    /// Whether the events of a segment need to be looked up.
    func concerns(_ segment: Int) -> Bool { segments[segment] != nil }

    /// A segment begins, with what the table knows of it; its events come with batches from this one on.
    mutating func begin(
        _ segment: Int, _ waiting: [WaitingAggregate], known: [Int64: DeadLetter.State], from inFlight: Int = 0
    ) {
        end(segment)
        if waiting.isEmpty, known.isEmpty { return }
        let aggregates = Dictionary(waiting.map { ($0.aggregate, Backlog(first: $0.position, size: $0.size)) }) {
            first, _ in
            first
        }
        segments[segment] = Segment(aggregates: aggregates, known: known, begin: inFlight)
        count += aggregates.count
    }

    /// A segment is served no longer, or is about to begin anew.
    mutating func end(_ segment: Int) {
        count -= segments[segment]?.aggregates.count ?? 0
        segments[segment] = nil
    }

    /// What is to be done with an event.
    func fate(of position: Int64, _ aggregate: AggregateIdentity, in segment: Int) -> Fate {
        guard let known = segments[segment] else { return .deliver }
        switch known.known[position] {
        case .parked, .redriving, .discarded: return .settled(isDelivered: false)
        case .redriven: return .settled(isDelivered: true)
        case .halted, nil: return known.aggregates[aggregate].map { $0.first < position } == true ? .follow : .deliver
        }
    }

    /// An event is to be recorded, and its aggregate is parked.
    mutating func hold(_ position: Int64, of aggregate: AggregateIdentity, in segment: Int) {
        var found = segments[segment] ?? Segment()
        if found.aggregates[aggregate] == nil { count += 1 }
        var backlog = found.aggregates[aggregate] ?? Backlog(first: position, size: 0)
        backlog.first = min(backlog.first, position)
        backlog.pending += 1
        found.aggregates[aggregate] = backlog
        segments[segment] = found
    }

    /// An event was recorded.
    mutating func recorded(_ aggregate: AggregateIdentity, in segment: Int) {
        segments[segment]?.aggregates[aggregate]?.pending -= 1
        segments[segment]?.aggregates[aggregate]?.size += 1
    }

    /// An event is not to be recorded after all: it will be handed over again.
    mutating func release(_ aggregate: AggregateIdentity, in segment: Int) {
        segments[segment]?.aggregates[aggregate]?.pending -= 1
    }

    /// Takes in how many events of an aggregate the table has; releases the aggregate if it has none and none is on its
    /// way there.
    ///
    /// - Returns: whether newer events flow from now on.
    @discardableResult mutating func found(_ size: Int, of aggregate: AggregateIdentity, in segment: Int) -> Bool {
        guard let backlog = segments[segment]?.aggregates[aggregate] else { return true }
        segments[segment]?.aggregates[aggregate]?.size = size
        guard size == 0, backlog.pending == 0 else { return false }
        segments[segment]?.aggregates[aggregate] = nil
        count -= 1
        if let left = segments[segment], left.aggregates.isEmpty, left.known.isEmpty { segments[segment] = nil }
        return true
    }

    /// Takes in all aggregates that the table has of the served segments.
    mutating func found(_ waiting: [WaitingAggregate]) {
        let sizes = Dictionary(grouping: waiting, by: \.segment)
        for (segment, known) in segments {
            let now = Dictionary((sizes[segment] ?? []).map { ($0.aggregate, $0.size) }) { first, _ in first }
            for aggregate in known.aggregates.keys { found(now[aggregate] ?? 0, of: aggregate, in: segment) }
        }
    }

    /// A batch is done: forgets what the table knew of events up to its end, which come no more.
    mutating func passed(_ position: Int64, inFlight: Int = .max) {
        for (segment, known) in segments where !known.known.isEmpty && inFlight >= known.begin {
            segments[segment]?.known = known.known.filter { $0.key > position }
            if let left = segments[segment], left.aggregates.isEmpty, left.known.isEmpty { segments[segment] = nil }
        }
    }
}
