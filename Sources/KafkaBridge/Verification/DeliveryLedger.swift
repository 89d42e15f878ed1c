/// What is committed of a window of positions, and what was found of it in the topics. A pure value.
///
/// Compact, since windows are large: 43 bytes an event in arrays and 8 to 16 in the table of slots, somewhat more while they
/// grow.
struct DeliveryLedger: Sendable {
    private(set) var positions: [Int64] = []
    private var ids: [EventID] = []
    private var aggregates: [UInt64] = []
    /// Where the event was found first, but for republished records.
    private var offsets: [Int64] = []
    private var places: [UInt16] = []
    /// How often it was found, up to 255, but for republished records.
    private var live: [UInt8] = []
    /// Open addressing: an index and one, 0 for a free slot.
    private var slots: [UInt32]
    /// A bit for each event, in both.
    private var republished: [UInt64] = []
    private var deadLetters: [UInt64] = []

    init(capacity: Int) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        slots = Array(repeating: 0, count: size)
    }

    var count: Int { ids.count }

    /// Enters a committed event; positions ascend.
    mutating func commit(_ id: EventID, position: Int64, aggregate: UInt64) {
        if (ids.count + 1) * 2 > slots.count { grow() }
        ids.append(id)
        positions.append(position)
        aggregates.append(aggregate)
        offsets.append(-1)
        places.append(0)
        live.append(0)
        if ids.count > republished.count * 64 {
            republished.append(0)
            deadLetters.append(0)
        }
        slots[freeSlot(for: id)] = UInt32(ids.count)
    }

    /// Takes in a record that was found; records of a place come in the order of their offsets. False if it is of no
    /// event of this window.
    @discardableResult
    mutating func found(_ identity: RecordIdentity, place: UInt16, offset: Int64) -> Bool {
        guard let index = index(of: identity.event) else { return false }
        if identity.isRepublished {
            republished[index / 64] |= 1 << UInt64(index % 64)
            return true
        }
        if live[index] == 0 {
            offsets[index] = offset
            places[index] = place
        }
        if live[index] < .max { live[index] += 1 }
        return true
    }

    /// Takes in a record of the dead-letter topic.
    mutating func foundDeadLetter(at position: Int64) {
        var (low, high) = (0, positions.count)
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] < position { low = middle + 1 } else { high = middle }
        }
        if low < positions.count, positions[low] == position { deadLetters[low / 64] |= 1 << UInt64(low % 64) }
    }

    // MARK: What came of it

    func id(_ index: Int) -> EventID { ids[index] }
    func isRepublished(_ index: Int) -> Bool { republished[index / 64] >> UInt64(index % 64) & 1 == 1 }
    func isDeadLetter(_ index: Int) -> Bool { deadLetters[index / 64] >> UInt64(index % 64) & 1 == 1 }
    func liveCount(_ index: Int) -> Int { Int(live[index]) }

    /// Finds those that came behind a later one of their aggregate, by the order check that goes on over all windows.
    func outOfOrder(_ check: inout OrderCheck) -> [Int] {
        ids.indices.filter { index in
            live[index] > 0 && !check.passes(aggregates[index], place: places[index], offset: offsets[index])
        }
    }

    private func index(of id: EventID) -> Int? {
        var slot = Int(truncatingIfNeeded: Self.hash(id)) & (slots.count - 1)
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if ids[index] == id { return index }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func freeSlot(for id: EventID) -> Int {
        var slot = Int(truncatingIfNeeded: Self.hash(id)) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for (index, id) in ids.enumerated() { slots[freeSlot(for: id)] = UInt32(index + 1) }
    }

    /// Ids may be counters as well as random, so their bits are mixed.
    private static func hash(_ id: EventID) -> UInt64 {
        var value = id.high ^ (id.low &* 0x9e37_79b9_7f4a_7c15)
        value = (value ^ (value >> 29)) &* 0xbf58_476d_1ce4_e5b9
        return value ^ (value >> 32)
    }
}

/// Whether what came first of each event came in the order of its aggregate. A pure value; about 40 bytes for each
/// aggregate and partition.
struct OrderCheck: Sendable {
    private struct Key: Hashable {
        let aggregate: UInt64
        let place: UInt16
    }

    private var last: [Key: Int64] = [:]

    /// Takes in the first record of an event; events come in the order of their positions. False if a later one of its
    /// aggregate lies before it in the same partition.
    mutating func passes(_ aggregate: UInt64, place: UInt16, offset: Int64) -> Bool {
        let key = Key(aggregate: aggregate, place: place)
        if let before = last[key], before > offset { return false }
        last[key] = offset
        return true
    }
}
