/// Whether what came first of each event came in the order of its aggregate. A pure value.
///
/// Its memory is bounded: of aggregates that were not met for long it knows nothing any more, about 20 to 40 bytes for each of the
/// others and each partition.
struct OrderCheck: Sendable {
    /// The last offsets by keys, with open addressing: a dictionary takes twice as much, and this is most of what grows with a range.
    private struct Table: Sendable {
        /// 0 where a slot is free.
        private var keys: [UInt64] = Array(repeating: 0, count: 64)
        private var offsets: [Int64] = Array(repeating: 0, count: 64)
        private(set) var count = 0

        subscript(key: UInt64) -> Int64? {
            let slot = slot(of: key)
            return keys[slot] == 0 ? nil : offsets[slot]
        }

        mutating func set(_ key: UInt64, _ offset: Int64) {
            if (count + 1) * 4 > keys.count * 3 { grow() }
            let slot = slot(of: key)
            if keys[slot] == 0 { count += 1 }
            (keys[slot], offsets[slot]) = (key, offset)
        }

        /// Where the key is, or would be.
        private func slot(of key: UInt64) -> Int {
            let mask = keys.count - 1
            var slot = Int(truncatingIfNeeded: key) & mask
            while keys[slot] != 0, keys[slot] != key { slot = (slot + 1) & mask }
            return slot
        }

        private mutating func grow() {
            let (oldKeys, oldOffsets) = (keys, offsets)
            keys = Array(repeating: 0, count: oldKeys.count * 2)
            offsets = Array(repeating: 0, count: keys.count)
            for (index, key) in oldKeys.enumerated() where key != 0 {
                let slot = slot(of: key)
                (keys[slot], offsets[slot]) = (key, oldOffsets[index])
            }
        }
    }

    /// The last offset of each, in two generations: the older one goes when the newer one is full.
    private var recent = Table()
    private var older = Table()
    private let capacity: Int
    /// Whether the order of some was compared within a part of the range only.
    private(set) var isPartial = false

    /// - Parameter capacity: so many aggregates are known at least; as many as a million slots hold.
    init(capacity: Int = 786_000) { self.capacity = max(1, capacity) }

    /// Takes in the first record of an event; events come in the order of their positions. False if a later one of its
    /// aggregate lies before it in the same partition.
    mutating func passes(_ aggregate: UInt64, place: UInt16, offset: Int64) -> Bool {
        let key = Self.key(aggregate, place)
        if let before = recent[key] ?? older[key], before > offset { return false }
        recent.set(key, offset)
        if recent.count >= capacity {
            isPartial = isPartial || older.count > 0
            (older, recent) = (recent, Table())
        }
        return true
    }

    /// Never 0. The aggregate is a hash itself.
    private static func key(_ aggregate: UInt64, _ place: UInt16) -> UInt64 {
        var key = aggregate ^ (UInt64(place) + 1) &* 0x9E37_79B9_7F4A_7C15
        key = (key ^ key >> 32) &* 0xbf58_476d_1ce4_e5b9
        return max(1, key ^ key >> 29)
    }
}
