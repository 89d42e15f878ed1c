/// Records that were read before their events were audited. A pure value; its memory is bounded, about 80 bytes a record.
struct AheadRecords: Sendable {
    /// A record, and the step that has read it.
    private struct Entry: Sendable {
        let found: DeliveryLedger.Found
        let step: Int
    }

    /// A record of the dead-letter topic.
    private struct DeadLetter: Sendable {
        let place: UInt16
        let offset: Int64
        let step: Int
    }

    /// The first record of each event.
    private var first: [EventID: Entry] = [:]
    /// Further records of the same events, in the order they were read.
    private var more: [EventID: [Entry]] = [:]
    private var moreCount = 0
    private var deadLetters: [Int64: DeadLetter] = [:]
    /// For earlier steps, ascending: the last position that was drawn when they ended.
    private var marks: [(step: Int, drawn: Int64)] = []
    private var step = 0
    private let capacity: Int

    init(capacity: Int) { self.capacity = max(1, capacity) }

    var count: Int { first.count + moreCount + deadLetters.count }
    var isFull: Bool { count >= capacity }

    mutating func add(_ found: DeliveryLedger.Found) {
        let entry = Entry(found: found, step: step)
        if first[found.identity.event] == nil {
            first[found.identity.event] = entry
        } else {
            more[found.identity.event, default: []].append(entry)
            moreCount += 1
        }
    }

    mutating func addDeadLetter(at position: Int64, place: UInt16, offset: Int64) {
        guard deadLetters[position] == nil else { return }
        deadLetters[position] = DeadLetter(place: place, offset: offset, step: step)
    }

    /// Takes out the records of an event, in the order they were read.
    mutating func take(_ id: EventID) -> [DeliveryLedger.Found] {
        guard let entry = first.removeValue(forKey: id) else { return [] }
        let later = more.removeValue(forKey: id) ?? []
        moreCount -= later.count
        return [entry.found] + later.map(\.found)
    }

    mutating func takeDeadLetter(at position: Int64) -> Bool { deadLetters.removeValue(forKey: position) != nil }

    /// The lowest offset kept of each partition, by the partitions' numbers.
    var lowestOffsets: [UInt16: Int64] {
        var lowest: [UInt16: Int64] = [:]
        func note(_ place: UInt16, _ offset: Int64) { lowest[place] = min(lowest[place] ?? .max, offset) }
        for entry in first.values { note(entry.found.place, entry.found.offset) }
        for entries in more.values { for entry in entries { note(entry.found.place, entry.found.offset) } }
        for letter in deadLetters.values { note(letter.place, letter.offset) }
        return lowest
    }

    /// Ends a step. What steps read is of events that were committed then: those that were audited since, and were not asked
    /// for, are of nobody's interest.
    ///
    /// - Parameters:
    ///   - drawn: no event that this step has read a record of is behind this position.
    ///   - position: everything up to here is audited.
    mutating func endStep(drawn: Int64, audited position: Int64) {
        marks.append((step, drawn))
        step += 1
        guard let last = marks.last(where: { $0.drawn <= position })?.step else { return }
        marks.removeAll { $0.step <= last }
        first = first.filter { $0.value.step > last }
        more = more.compactMapValues { entries in
            let rest = entries.filter { $0.step > last }
            return rest.isEmpty ? nil : rest
        }
        moreCount = more.values.reduce(0) { $0 + $1.count }
        // An event's first record may have gone while a later one stays.
        for (id, entries) in more where first[id] == nil {
            first[id] = entries[0]
            more[id] = entries.count > 1 ? Array(entries.dropFirst()) : nil
            moreCount -= 1
        }
        deadLetters = deadLetters.filter { $0.value.step > last }
    }
}
