/// What is committed of a window of positions, and what was found of it in the topics. A pure value.
///
/// Compact, since windows are large: 45 bytes an event in arrays, 8 more where values are compared, and 8 to 16 in the table
/// of slots, somewhat more while they grow.
struct DeliveryLedger: Sendable {
    /// A committed event.
    struct Entry: Sendable {
        let id: EventID
        let position: Int64
        /// A hash of what distinguishes its aggregate from others.
        let aggregate: UInt64
        /// The number of the topic that it belongs to; ``anyTopic`` where that cannot be told.
        var topic = DeliveryLedger.anyTopic
        /// A hash of the value that its record has, if it is known.
        var value: UInt64?
    }

    /// A record that was found.
    struct Found: Sendable {
        let identity: RecordIdentity
        var topic = DeliveryLedger.anyTopic
        /// Its partition's number among all.
        let place: UInt16
        let offset: Int64
        var value: UInt64?
    }

    static let anyTopic = UInt16.max

    private(set) var positions: [Int64] = []
    private var ids: [EventID] = []
    private var aggregates: [UInt64] = []
    private var topics: [UInt16] = []
    /// Empty where values are not compared; 0 where one is not known.
    private var values: [UInt64] = []
    private let comparesValues: Bool
    /// Where the event was found first, but for republished records.
    private var offsets: [Int64] = []
    private var places: [UInt16] = []
    /// How often it was found, up to 255, but for republished records.
    private var live: [UInt8] = []
    /// Open addressing: an index and one, 0 for a free slot.
    private var slots: [UInt32]
    private var republished = BitList()
    private var deadLetters = BitList()
    /// Found in a topic that it does not belong to.
    private var misplaced = BitList()
    /// The last record found has another value.
    private var different = BitList()

    /// - Parameters:
    ///   - capacity: so many events take no more memory than what is taken now.
    ///   - comparesValues: whether entries and records come with hashes of values.
    init(capacity: Int, comparesValues: Bool = false) {
        self.comparesValues = comparesValues
        var size = 64
        while size < capacity * 2 { size *= 2 }
        slots = Array(repeating: 0, count: size)
        ids.reserveCapacity(capacity)
        positions.reserveCapacity(capacity)
        aggregates.reserveCapacity(capacity)
        topics.reserveCapacity(capacity)
        if comparesValues { values.reserveCapacity(capacity) }
        offsets.reserveCapacity(capacity)
        places.reserveCapacity(capacity)
        live.reserveCapacity(capacity)
    }

    /// Begins with another window, in the memory of this one: made anew, arrays of this size leave holes behind them that
    /// nothing fits into.
    mutating func forgetAll() {
        ids.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        aggregates.removeAll(keepingCapacity: true)
        topics.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        live.removeAll(keepingCapacity: true)
        for slot in slots.indices { slots[slot] = 0 }
        (republished, deadLetters, misplaced, different) = (BitList(), BitList(), BitList(), BitList())
    }

    var count: Int { ids.count }

    /// Enters a committed event; positions ascend.
    mutating func commit(_ entry: Entry) {
        if (ids.count + 1) * 2 > slots.count { grow() }
        ids.append(entry.id)
        positions.append(entry.position)
        aggregates.append(entry.aggregate)
        topics.append(entry.topic)
        if comparesValues { values.append(entry.value ?? 0) }
        offsets.append(-1)
        places.append(0)
        live.append(0)
        slots[freeSlot(for: entry.id)] = UInt32(ids.count)
    }

    /// Takes in a record; those of a place come in the order of their offsets. False if it is of no event of this window.
    @discardableResult
    mutating func found(_ record: Found) -> Bool {
        guard let index = index(of: record.identity.event) else { return false }
        guard topics[index] == Self.anyTopic || topics[index] == record.topic else {
            misplaced.set(index)
            return true
        }
        // The last one is what readers end with.
        if comparesValues, values[index] != 0 { different.set(index, record.value != values[index]) }
        if record.identity.isRepublished {
            republished.set(index)
            return true
        }
        if live[index] == 0 {
            offsets[index] = record.offset
            places[index] = record.place
        }
        if live[index] < .max { live[index] += 1 }
        return true
    }

    /// Takes in a record of the dead-letter topic.
    mutating func foundDeadLetter(at position: Int64) {
        if let index = index(at: position) { deadLetters.set(index) }
    }

    /// As if nothing was found: the topics are read again.
    mutating func forgetFound() {
        for index in live.indices { (live[index], offsets[index], places[index]) = (0, -1, 0) }
        (republished, deadLetters, misplaced, different) = (BitList(), BitList(), BitList(), BitList())
    }

    // MARK: What came of it

    func id(_ index: Int) -> EventID { ids[index] }
    func isRepublished(_ index: Int) -> Bool { republished[index] }
    func isDeadLetter(_ index: Int) -> Bool { deadLetters[index] }
    func isMisplaced(_ index: Int) -> Bool { misplaced[index] }
    func isDifferent(_ index: Int) -> Bool { different[index] }
    func liveCount(_ index: Int) -> Int { Int(live[index]) }
    func firstPlace(_ index: Int) -> UInt16 { places[index] }
    func firstOffset(_ index: Int) -> Int64 { offsets[index] }
    /// Whether it is in its topic, by whatever way.
    func isDelivered(_ index: Int) -> Bool { live[index] > 0 || republished[index] }

    /// Those that are in no topic where they should be.
    var absent: [Int] { ids.indices.filter { !isDelivered($0) && !deadLetters[$0] } }

    /// Finds those that came behind a later one of their aggregate, by the order check that goes on over all windows.
    func outOfOrder(_ check: inout OrderCheck) -> [Int] {
        ids.indices.filter { index in
            live[index] > 0 && !check.passes(aggregates[index], place: places[index], offset: offsets[index])
        }
    }

    /// The places where earlier events of an event's aggregate were found, by the events' indices.
    ///
    /// - Parameter indices: ascending.
    func placesOfEarlier(than indices: [Int]) -> [Int: UInt16] {
        let wanted = Set(indices.map { aggregates[$0] })
        var last: [UInt64: UInt16] = [:]
        var result: [Int: UInt16] = [:]
        var rest = indices[...]
        for index in ids.indices where !rest.isEmpty {
            if rest.first == index {
                rest.removeFirst()
                result[index] = last[aggregates[index]]
            }
            if live[index] > 0, wanted.contains(aggregates[index]) { last[aggregates[index]] = places[index] }
        }
        return result
    }

    func index(at position: Int64) -> Int? {
        var (low, high) = (0, positions.count)
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] < position { low = middle + 1 } else { high = middle }
        }
        return low < positions.count && positions[low] == position ? low : nil
    }

    func index(of id: EventID) -> Int? {
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

/// A bit for each event; those that were never set are clear.
private struct BitList: Sendable {
    private var words: [UInt64] = []

    subscript(index: Int) -> Bool {
        index / 64 < words.count && words[index / 64] >> UInt64(index % 64) & 1 == 1
    }

    mutating func set(_ index: Int, _ value: Bool = true) {
        if index / 64 >= words.count {
            if !value { return }
            words += Array(repeating: 0, count: index / 64 + 1 - words.count)
        }
        if value {
            words[index / 64] |= 1 << UInt64(index % 64)
        } else {
            words[index / 64] &= ~(1 << UInt64(index % 64))
        }
    }
}
