/// A line of `/metrics`, as Prometheus' text format has it. Labels' values hold nothing here that is escaped.
struct MetricSample {
    let name: Substring
    let value: Double
    private let labels: Substring

    /// Those of a text that can be read, in order; values are finite.
    static func all(of exposition: String) -> [MetricSample] {
        exposition.split(separator: "\n").compactMap { MetricSample($0) }
    }

    private init?(_ line: Substring) {
        guard !line.hasPrefix("#"), let space = line.lastIndex(of: " "),
            let value = Double(line[line.index(after: space)...]), abs(value) < 1e15
        else { return nil }
        self.value = value
        name = line.prefix { $0 != "{" && $0 != " " }
        labels = line[name.endIndex..<space]
    }

    func label(_ name: String) -> String? {
        guard let start = labels.firstRange(of: "\(name)=\""),
            let end = labels[start.upperBound...].firstIndex(of: "\"")
        else { return nil }
        return String(labels[start.upperBound..<end])
    }
}
