/// Writes the Prometheus text format, version 0.0.4.
struct ExpositionText {
    private(set) var text = ""

    /// Writes a family; nothing but its head where it has no series yet.
    mutating func write(_ family: MetricFamily, named name: String) {
        if let help = family.help { text += "# HELP \(name) \(Self.escape(help, quotes: false))\n" }
        text += "# TYPE \(name) \(family.kind.name)\n"
        for (labels, cell) in family.series.sorted(by: { $0.key < $1.key }) {
            switch cell {
            case .counter(let counter): line(name, labels, "\(counter.value)")
            case .gauge(let gauge): line(name, labels, Self.number(gauge.value))
            case .histogram(let histogram): write(histogram.counts, bounds: histogram.bounds, name, labels)
            }
        }
    }

    private mutating func write(
        _ counts: HistogramCell.Counts, bounds: [Double], _ name: String, _ labels: String
    ) {
        var total: UInt64 = 0
        for (index, count) in counts.buckets.enumerated() {
            total += count
            let bound = index < bounds.count ? Self.number(bounds[index]) : "+Inf"
            let separator = labels.isEmpty ? "" : ","
            line(name + "_bucket", "\(labels)\(separator)le=\"\(bound)\"", "\(total)")
        }
        line(name + "_sum", labels, Self.number(counts.sum))
        line(name + "_count", labels, "\(total)")
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    // MARK: Pieces

    /// Labels in the order of their names, as they stand between the braces.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.sorted { $0.0 < $1.0 }
            .map { "\(name($0.0, allowsColon: false))=\"\(escape($0.1, quotes: true))\"" }
            .joined(separator: ",")
    }

    /// The name with everything that the format does not allow as an underscore.
    static func name(_ name: String, allowsColon: Bool = true) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": result.unicodeScalars.append(scalar)
            case ":" where allowsColon: result.unicodeScalars.append(scalar)
            case "0"..."9":
                if result.isEmpty { result += "_" }
                result.unicodeScalars.append(scalar)
            default: result += "_"
            }
        }
        return result.isEmpty ? "_" : result
    }

    static func escape(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }
}
