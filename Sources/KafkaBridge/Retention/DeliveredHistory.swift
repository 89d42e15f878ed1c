/// Since when positions have been delivered: samples of the position up to which everything was, each with its age. A pure
/// value.
///
/// The creation time that a row may have says when it was written, or what its writer likes, not when it was delivered.
package struct DeliveredHistory: Sendable, Equatable {
    package struct Sample: Sendable, Equatable {
        package let position: Int64
        package let age: Duration

        package init(position: Int64, age: Duration) {
            self.position = position
            self.age = age
        }
    }

    /// Ascending by position; ages descend.
    package private(set) var samples: [Sample]
    private let period: Duration

    /// Samples that are needed for one period, about.
    package static let count = 100

    /// - Parameter period: how long rows are to be kept once they are delivered.
    package init(_ samples: [Sample], period: Duration) {
        self.samples = samples.sorted { $0.position < $1.position }
        self.period = period
    }

    /// Everything up to here has been delivered for the period; 0 where nothing is known to have been.
    package var longEnough: Int64 { samples.last { $0.age >= period }?.position ?? 0 }

    /// How old the oldest sample is: how long the history reaches back.
    package var reach: Duration { samples.map(\.age).max() ?? .zero }

    /// What a new look changes.
    package struct Change: Sendable, Equatable {
        /// A sample to add, of this moment.
        package let added: Int64?
        /// Positions of samples to remove.
        package let dropped: [Int64]
    }

    /// Takes in up to where everything is delivered now.
    ///
    /// Where that went back, for a consumer that is new or begins anew, what lies behind counts from its next delivery on.
    package mutating func note(_ delivered: Int64) -> Change {
        var dropped = samples.filter { $0.position > delivered }.map(\.position)
        samples.removeAll { $0.position > delivered }
        // Of those that are old enough, the last says it all.
        let old = samples.filter { $0.age >= period }.dropLast().map(\.position)
        samples.removeAll { old.contains($0.position) }
        dropped += old
        guard delivered > samples.last?.position ?? 0 else { return Change(added: nil, dropped: dropped) }
        if let last = samples.last, last.age < period / Self.count {
            return Change(added: nil, dropped: dropped)
        }
        samples.append(Sample(position: delivered, age: .zero))
        return Change(added: delivered, dropped: dropped)
    }
}
