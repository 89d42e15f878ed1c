import Telemetry

/// What a process's transactions of one consumer amount to, by two looks at its metrics. A pure value.
struct TransactionFigures: Sendable, Equatable {
    let consumer: String
    /// Committed between the looks.
    let perSecond: Double
    /// Of one committed transaction, on average since the process began; `nil` if it has committed none.
    let events: Double?
    /// From its first record until it was committed, on average, in seconds.
    let seconds: Double?
    /// How long one is open already, in seconds; 0 if none is.
    let open: Double
    /// Whose events came again, since the process began.
    let givenUp: Double
    /// Ended by another process, since the process began.
    let fenced: Double

    private struct Counts {
        var committed = 0.0
        var givenUp = 0.0
        var fenced = 0.0
        var events = (sum: 0.0, count: 0.0)
        var seconds = (sum: 0.0, count: 0.0)
        var open = 0.0
    }

    /// By the consumers' names.
    ///
    /// - Parameter seconds: between the looks.
    static func compare(_ first: String, _ second: String, after seconds: Double) -> [TransactionFigures] {
        let (before, now) = (counts(first), counts(second))
        return now.sorted { $0.key < $1.key }.map { consumer, counts in
            // A process that was started in between begins at 0.
            let new = max(0, counts.committed - (before[consumer]?.committed ?? 0))
            return TransactionFigures(
                consumer: consumer, perSecond: seconds > 0 ? new / seconds : 0, events: average(counts.events),
                seconds: average(counts.seconds), open: counts.open, givenUp: counts.givenUp, fenced: counts.fenced)
        }
    }

    private static func average(_ all: (sum: Double, count: Double)) -> Double? {
        all.count >= 1 ? all.sum / all.count : nil
    }

    private static func counts(_ exposition: String) -> [String: Counts] {
        var counts: [String: Counts] = [:]
        for sample in MetricSample.all(of: exposition) {
            guard let consumer = sample.label("consumer") else { continue }
            let (name, value) = (String(sample.name), sample.value)
            switch (name, sample.label("outcome")) {
            case (Metric.transactions.rawValue, "committed"): counts[consumer, default: Counts()].committed = value
            case (Metric.transactions.rawValue, "given_up"): counts[consumer, default: Counts()].givenUp = value
            case (Metric.transactions.rawValue, "fenced"): counts[consumer, default: Counts()].fenced = value
            case (Metric.transactionEvents.rawValue + "_sum", _): counts[consumer, default: Counts()].events.sum = value
            case (Metric.transactionEvents.rawValue + "_count", _):
                counts[consumer, default: Counts()].events.count = value
            case (Metric.transactionTime.rawValue + "_sum", _): counts[consumer, default: Counts()].seconds.sum = value
            case (Metric.transactionTime.rawValue + "_count", _):
                counts[consumer, default: Counts()].seconds.count = value
            case (Metric.transactionAge.rawValue, _): counts[consumer, default: Counts()].open = value
            default: break
            }
        }
        return counts
    }

    /// For people.
    var text: String {
        let isWhole = perSecond >= 10 || perSecond == 0
        let rate = isWhole ? "\(Int(perSecond.rounded()))" : "\((perSecond * 10).rounded() / 10)"
        var parts = ["\(rate) transactions a second"]
        if let events, let seconds {
            parts.append("each of \(Int(events.rounded())) events, committed after \(Self.format(seconds)) on average")
        }
        if open > 0 { parts.append("one is open for \(Self.format(open))") }
        parts.append("\(Int(givenUp)) given up and \(Int(fenced)) fenced since the process began")
        return "\(consumer): \(parts.joined(separator: "; "))"
    }

    private static func format(_ seconds: Double) -> String {
        seconds < 1 ? "\(Int((seconds * 1_000).rounded())) ms" : AgeText.format(.seconds(seconds))
    }

    var json: JSONValue {
        [
            "consumer": .string(consumer), "per_second": .number(perSecond, digits: 1),
            "events": events.map { .number($0, digits: 1) } ?? .null,
            "seconds": seconds.map { .number($0, digits: 3) } ?? .null, "open_seconds": .number(open, digits: 3),
            "given_up": .number(Int(givenUp)), "fenced": .number(Int(fenced)),
        ]
    }
}
