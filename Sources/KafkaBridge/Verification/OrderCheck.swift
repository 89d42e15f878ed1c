/// Whether what came first of each event came in the order of its aggregate. A pure value.
///
/// Its memory is bounded: of aggregates that were not met for long it knows nothing any more, about 40 bytes for each of the
/// others and each partition.
struct OrderCheck: Sendable {
    private struct Key: Hashable {
        let aggregate: UInt64
        let place: UInt16
    }

    /// The last offset of each, in two generations: the older one goes when the newer one is full.
    private var recent: [Key: Int64] = [:]
    private var older: [Key: Int64] = [:]
    private let capacity: Int
    /// Whether the order of some was compared within a part of the range only.
    private(set) var isPartial = false

    /// - Parameter capacity: so many aggregates are known at least.
    init(capacity: Int = 1_000_000) { self.capacity = max(1, capacity) }

    /// Takes in the first record of an event; events come in the order of their positions. False if a later one of its
    /// aggregate lies before it in the same partition.
    mutating func passes(_ aggregate: UInt64, place: UInt16, offset: Int64) -> Bool {
        let key = Key(aggregate: aggregate, place: place)
        if let before = recent[key] ?? older[key], before > offset { return false }
        recent[key] = offset
        if recent.count >= capacity {
            isPartial = isPartial || !older.isEmpty
            (older, recent) = (recent, [:])
        }
        return true
    }
}
