import Consumers

/// Which segments a publisher halts, and since which inFlight. A pure value.
///
/// A segment that begins anew after a halt is shown as halted until it has passed the event: whoever looks meanwhile
/// should not take an attempt for success.
struct HaltedSegments: Sendable {
    private struct Entry {
        var halt: SegmentHalt
        /// The inFlight it was found in. Of this and later ones nothing of the segment is delivered behind the event.
        var inFlight: Int
        /// What comes from this inFlight on belongs to another attempt.
        var nextAttempt: Int?
    }

    private var entries: [Int: Entry] = [:]

    /// All that are to be shown, in the order of the segments.
    var shown: [SegmentHalt] { entries.values.map(\.halt).sorted { $0.segment < $1.segment } }

    /// Those that are not being tried again at the moment.
    var standing: [SegmentHalt] { of(consignmentsThrough: .max) }

    /// Whether nothing more of a segment is to be taken over.
    func isHalted(_ segment: Int) -> Bool { entries[segment].map { $0.nextAttempt == nil } ?? false }

    /// The halts that count for whoever has handed over inFlightBatches up to this one.
    func of(consignmentsThrough id: Int) -> [SegmentHalt] {
        entries.values.filter { $0.nextAttempt == nil && $0.inFlight <= id }.map(\.halt)
            .sorted { $0.segment < $1.segment }
    }

    /// Notes a halt. False if the segment halts at this event or before it already.
    mutating func halt(_ halt: SegmentHalt, in inFlight: Int) -> Bool {
        if let entry = entries[halt.segment], entry.nextAttempt == nil, entry.halt.position <= halt.position {
            return false
        }
        entries[halt.segment] = Entry(halt: halt, inFlight: inFlight)
        return true
    }

    /// The segment halted under whoever served it before, and is tried again. False if that is known.
    mutating func take(over halt: SegmentHalt, from inFlight: Int) -> Bool {
        if let entry = entries[halt.segment], entry.halt.position == halt.position { return false }
        entries[halt.segment] = Entry(halt: halt, inFlight: inFlight, nextAttempt: inFlight)
        return true
    }

    /// Whether a segment halted at the event and is being tried again.
    func isTried(_ segment: Int, at position: Int64) -> Bool {
        guard let entry = entries[segment], entry.nextAttempt != nil else { return false }
        return entry.halt.position == position
    }

    /// Whether nothing is to be shown or remembered.
    var isEmpty: Bool { entries.isEmpty }

    /// The segment begins anew; its events come with inFlightBatches from this one on.
    mutating func beginAnew(_ segment: Int, from inFlight: Int) {
        entries[segment]?.nextAttempt = inFlight
    }

    /// The segment is served no longer.
    mutating func end(_ segment: Int) { entries[segment] = nil }

    /// A inFlight is done; gives the halts that are passed by it.
    mutating func done(_ inFlight: Int, through position: Int64) -> [SegmentHalt] {
        let passed = entries.values.filter { entry in
            guard let next = entry.nextAttempt else { return false }
            return inFlight >= next && position >= entry.halt.position
        }
        for entry in passed { entries[entry.halt.segment] = nil }
        return passed.map(\.halt).sorted { $0.segment < $1.segment }
    }

    /// Nobody waits for a inFlight any more, and its events will be handed over again.
    mutating func forget(inFlight: Int) {
        for (segment, entry) in entries where entry.inFlight == inFlight && entry.nextAttempt == nil {
            entries[segment] = nil
        }
    }
}
