/// Which records of some keys are in the topics: whether compaction can have replaced an event's record. A pure value.
///
/// Source: Apache Kafka documentation, "Log Compaction": the last record of each key stays, unless it is a tombstone.
struct KeyTraces: Sendable {
    enum Trace: Sendable, Equatable {
        /// No record of the key is there. Compaction does not do that alone, while a tombstone may have been there.
        case none
        /// Those there are come from earlier events, so that a later one was never there.
        case earlierOnly
        /// One may have taken the event's place.
        case replaced
    }

    /// The highest position of the events that records of a key carry; ``foreign`` where one is no event of the window.
    private var last: [UInt64: Int64]
    private let keys: Set<UInt64>

    private static let foreign = Int64.max

    /// A hash of a key in a topic.
    ///
    /// - Parameter partition: where events name their partitions: compaction looks at the records of one.
    static func key(_ topic: String, _ key: RawSpan, partition: Int32? = nil) -> UInt64 {
        var hash = Hash64()
        hash.mix(topic.utf8Span.span.bytes)
        hash.mix(key)
        return partition.map { hash.value &+ UInt64(truncatingIfNeeded: $0 + 1) &* 0x9e37_79b9_7f4a_7c15 } ?? hash.value
    }

    /// - Parameter keys: those that matter, by ``key(_:_:)``.
    init(keys: Set<UInt64>) {
        self.keys = keys
        last = [:]
    }

    /// Whether no key matters.
    var isEmpty: Bool { keys.isEmpty }

    mutating func forget() { last = [:] }

    /// Takes in a record; `nil` for one of no event that is known.
    mutating func found(key: UInt64, position: Int64?) {
        guard keys.contains(key) else { return }
        last[key] = max(last[key] ?? .min, position ?? Self.foreign)
    }

    func trace(key: UInt64, position: Int64) -> Trace {
        guard let found = last[key] else { return .none }
        return found < position ? .earlierOnly : .replaced
    }
}
