/// What a metric is: a row of the table of metrics.
package struct MetricDefinition: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// Only grows, from 0 at the start of the process.
        case counter
        case gauge
        /// Counts observations by upper bounds, ascending.
        case histogram([Double])
    }

    package enum Unit: String, Sendable {
        case events, seconds, bytes, positions, segments, occurrences, ratio
        /// 1 where it holds, 0 where not.
        case truth
    }

    package let kind: Kind
    /// The names of its labels.
    package let labels: [String]
    package let unit: Unit
    /// One sentence for people.
    package let help: String

    init(_ kind: Kind, _ unit: Unit, labels: [String] = [], _ help: String) {
        self.kind = kind
        self.labels = labels
        self.unit = unit
        self.help = help
    }
}

extension MetricDefinition.Kind {
    /// From a quarter of a millisecond, one statement's time, to a minute.
    static let times = Self.histogram([
        0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ])

    static let counts = Self.histogram([1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000])

    static let sizes = Self.histogram([1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6, 16e6, 64e6])

    /// As the exposition calls it.
    package var name: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
