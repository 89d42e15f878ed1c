/// Compares what is committed with what a reader of committed records has seen. A pure value.
struct DeliveryJudge {
    /// A committed event.
    struct Committed: Sendable, Hashable {
        let position: Int64
        let aggregate: String
    }

    /// A record, in the order of its partition.
    struct Seen: Sendable {
        let eventID: String
        let partition: Int32
    }

    struct Result: Sendable, Equatable {
        var events = 0
        var records = 0
        /// I1: committed, and not there.
        var missing: [Int64] = []
        /// I2: there, and not committed.
        var unknown: [String] = []
        /// I3: first occurrences that come before an earlier event of their aggregate in the same partition.
        var disordered: [Int64] = []
        /// I5, and what I4 bounds.
        var doubled: [Int64] = []

        /// - Parameter allowsDuplicates: whether a fault has come that may double.
        func isRight(allowsDuplicates: Bool) -> Bool {
            missing.isEmpty && unknown.isEmpty && disordered.isEmpty && (allowsDuplicates || doubled.isEmpty)
        }
    }

    /// - Parameters:
    ///   - events: by event id.
    ///   - records: by partition in the order of their offsets.
    static func judge(_ events: [String: Committed], _ records: [Seen]) -> Result {
        var result = Result(events: events.count, records: records.count)
        var seen: Set<String> = []
        var last: [String: Int64] = [:]
        for record in records {
            guard let event = events[record.eventID] else {
                result.unknown.append(record.eventID)
                continue
            }
            if !seen.insert(record.eventID).inserted {
                result.doubled.append(event.position)
                continue
            }
            let place = "\(record.partition) \(event.aggregate)"
            if let before = last[place], before > event.position { result.disordered.append(event.position) }
            last[place] = max(last[place] ?? 0, event.position)
        }
        result.missing = events.filter { !seen.contains($0.key) }.map(\.value.position).sorted()
        return result
    }
}
