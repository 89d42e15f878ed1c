import EventSourcing

/// Topics by the bytes of the fields they are made of. Bounded: fields with unbounded values must not fill the memory.
struct AnswerCache {
    private struct Entry {
        let boundedContext: [UInt8]
        let aggregateType: [UInt8]
        let eventType: [UInt8]
        let eventVersion: Int32
        let answer: Router.Answer

        func matches(_ event: EventView) -> Bool {
            event.eventVersion == eventVersion && Self.equal(event.eventType, eventType)
                && Self.equal(event.aggregateType, aggregateType) && Self.equal(event.boundedContext, boundedContext)
        }

        /// Eight bytes at a time: each event is compared.
        private static func equal(_ bytes: RawSpan, _ array: [UInt8]) -> Bool {
            if bytes.byteCount != array.count { return false }
            return bytes.withUnsafeBytes { left in
                array.withUnsafeBytes { right in
                    var start = 0
                    while start + 8 <= left.count {
                        let word = left.loadUnaligned(fromByteOffset: start, as: UInt64.self)
                        if word != right.loadUnaligned(fromByteOffset: start, as: UInt64.self) { return false }
                        start += 8
                    }
                    while start < left.count {
                        if left[start] != right[start] { return false }
                        start += 1
                    }
                    return true
                }
            }
        }
    }

    /// Answers to remember before forgetting them all.
    private static let capacity = 10_000

    private var entries: [Entry] = []
    private var byHash: [UInt64: [Int]] = [:]
    /// The entries used last, by the lowest bits of their hashes: most events are found here.
    private var recent = [Int](repeating: -1, count: 256)

    mutating func find(_ event: EventView, _ hash: UInt64) -> Router.Answer? {
        let slot = Int(truncatingIfNeeded: hash & 255)
        let index = recent[slot]
        if index >= 0, entries[index].matches(event) { return entries[index].answer }
        for index in byHash[hash] ?? [] where entries[index].matches(event) {
            recent[slot] = index
            return entries[index].answer
        }
        return nil
    }

    /// Fields that take more than this are looked up anew each time.
    private static let longestFields = 2_000

    mutating func insert(_ answer: Router.Answer, _ fields: RouteFields, _ hash: UInt64) {
        let length = fields.boundedContext.utf8.count + fields.aggregateType.utf8.count + fields.eventType.utf8.count
        if length > Self.longestFields { return }
        if entries.count >= Self.capacity { self = AnswerCache() }
        byHash[hash, default: []].append(entries.count)
        recent[Int(truncatingIfNeeded: hash & 255)] = entries.count
        entries.append(
            Entry(
                boundedContext: Array(fields.boundedContext.utf8), aggregateType: Array(fields.aggregateType.utf8),
                eventType: Array(fields.eventType.utf8), eventVersion: fields.eventVersion, answer: answer))
    }

    /// Eight bytes at a time, all of each field.
    static func hash(_ event: EventView) -> UInt64 {
        var hash = UInt64(UInt32(bitPattern: event.eventVersion))
        mix(event.boundedContext, into: &hash)
        mix(event.aggregateType, into: &hash)
        mix(event.eventType, into: &hash)
        return hash ^ hash >> 32
    }

    private static func mix(_ bytes: RawSpan, into hash: inout UInt64) {
        // The length keeps `ab` + `c` apart from `a` + `bc`.
        step(UInt64(bytes.byteCount), &hash)
        bytes.withUnsafeBytes { bytes in
            var start = 0
            while start + 8 <= bytes.count {
                step(bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self), &hash)
                start += 8
            }
            var rest: UInt64 = 0
            while start < bytes.count {
                rest = rest << 8 | UInt64(bytes[start])
                start += 1
            }
            step(rest, &hash)
        }
    }

    private static func step(_ word: UInt64, _ hash: inout UInt64) {
        hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
        hash ^= hash >> 29
    }
}
