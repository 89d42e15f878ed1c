import Telemetry

/// In which stages a process's batches of one consumer have waited, as its metrics sum it up. A pure value.
struct StageTimes: Sendable, Equatable {
    /// Batches that were measured.
    var count = 0.0
    /// Seconds of open transactions, the events' own and those that they waited for.
    var settle = 0.0
    /// Seconds of a pause, a rate, or what was under way before.
    var queue = 0.0
    /// Seconds of brokers, retries and halts.
    var deliver = 0.0

    /// Reads the text of `/metrics`, by consumer; others' lines are passed over.
    static func parse(_ exposition: String) -> [String: StageTimes] {
        var times: [String: StageTimes] = [:]
        for sample in MetricSample.all(of: exposition) where sample.name.hasPrefix(Metric.delay.rawValue) {
            guard let consumer = sample.label("consumer"), let stage = sample.label("stage") else { continue }
            switch (sample.name.dropFirst(Metric.delay.rawValue.count), stage) {
            case ("_sum", "settle"): times[consumer, default: StageTimes()].settle = sample.value
            case ("_sum", "queue"): times[consumer, default: StageTimes()].queue = sample.value
            case ("_sum", "deliver"): times[consumer, default: StageTimes()].deliver = sample.value
            case ("_count", "deliver"): times[consumer, default: StageTimes()].count = sample.value
            default: break
            }
        }
        return times.filter { $0.value.count >= 1 }
    }

    /// For people: what one batch has taken on average.
    var text: String {
        let parts = [(settle, "open transactions"), (queue, "reading and queue"), (deliver, "brokers and retries")]
        let words = parts.map { "\(Self.format($0.0 / count)) \($0.1)" }.joined(separator: ", ")
        return "each of its \(CountText.format(Int64(count))) batches so far took on average: \(words)"
    }

    private static func format(_ seconds: Double) -> String {
        seconds < 1 ? "\(Int((seconds * 1_000).rounded())) ms" : AgeText.format(.seconds(seconds))
    }
}
