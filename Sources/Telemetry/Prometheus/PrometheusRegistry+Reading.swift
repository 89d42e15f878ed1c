/// What a metric's series hold at the moment, for those who show them within the process.
extension PrometheusRegistry {
    /// Observations counted by upper bounds.
    package struct Histogram: Sendable, Equatable {
        package let bounds: [Double]
        /// By bound; the last is of those above all bounds.
        package let counts: [UInt64]
    }

    /// The counters of a metric, by a label's value; those that differ in other labels are added up.
    package func counters(_ metric: Metric, by label: String) -> [String: Int64] {
        series(metric).reduce(into: [:]) { values, entry in
            guard case .counter(let cell) = entry.value, let name = Self.value(of: label, in: entry.key) else { return }
            values[name, default: 0] += cell.value
        }
    }

    /// The histograms of a metric, by a label's value.
    package func histograms(_ metric: Metric, by label: String) -> [String: Histogram] {
        series(metric).reduce(into: [:]) { values, entry in
            guard case .histogram(let cell) = entry.value, let name = Self.value(of: label, in: entry.key) else {
                return
            }
            let counts = cell.counts.buckets
            let known = values[name]?.counts ?? Array(repeating: 0, count: counts.count)
            values[name] = Histogram(bounds: cell.bounds, counts: zip(known, counts).map { $0 + $1 })
        }
    }

    /// The value of a label among labels as the exposition writes them; it holds nothing that is escaped, as names of consumers do not.
    private static func value(of label: String, in labels: String) -> String? {
        guard let start = labels.firstRange(of: "\(label)=\""),
            let end = labels[start.upperBound...].firstIndex(of: "\"")
        else { return nil }
        return String(labels[start.upperBound..<end])
    }
}
