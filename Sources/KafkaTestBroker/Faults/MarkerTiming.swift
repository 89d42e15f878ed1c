/// What faults want of the markers that a request has written. No I/O, no clock.
struct MarkerTiming {
    private var delays: [(partition: TopicPartition?, delay: Duration)] = []
    private var holds: [(partition: TopicPartition?, fault: Int)] = []

    mutating func delay(_ struck: [TopicPartition?], by delay: Duration) {
        delays += struck.map { ($0, delay) }
    }

    mutating func hold(_ struck: [TopicPartition?], fault: Int) {
        holds += struck.map { ($0, fault) }
    }

    /// How long the marker waits; nil where no fault wants anything.
    func delay(_ target: MarkerTarget) -> Duration? {
        delays.filter { Self.matches($0.partition, target) }.map(\.delay).max()
    }

    /// The faults that hold the marker as long as they are in force.
    func holds(_ target: MarkerTarget) -> [Int] {
        holds.filter { Self.matches($0.partition, target) }.map(\.fault)
    }

    private static func matches(_ struck: TopicPartition?, _ target: MarkerTarget) -> Bool {
        struck == nil || struck == target.partition
    }
}
