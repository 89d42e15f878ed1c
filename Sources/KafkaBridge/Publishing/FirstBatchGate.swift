/// Lets only one record of a producer through to a partition until it is acknowledged.
///
/// A broker that does not know a producer yet accepts its first batch at any sequence. So if the first batch fails
/// retriably and the next one, already on its way, succeeds, librdkafka takes the first one for delivered although it
/// was never written. Behind an acknowledged record the broker checks every sequence. After a long time without a
/// record the broker may have forgotten the producer, so the gate closes again.
///
/// A pure value; one per producer instance.
struct FirstBatchGate: Sendable {
    enum Passage: Sendable, Equatable {
        /// Goes alone; the others wait for its acknowledgement.
        case alone
        /// Waits for the one that went alone.
        case wait
        case free
    }

    private enum State {
        case opening
        case open(last: ContinuousClock.Instant)
    }

    /// Brokers forget a producer after a day by default (`producer.id.expiration.ms`), and earlier where retention
    /// has removed its last records.
    let idleLimit: Duration
    /// By topic and partition; nil where nothing was sent yet.
    private var partitions: [[State?]] = []

    struct Partition: Hashable {
        let topic: Int
        let partition: Int32
    }

    init(idleLimit: Duration = .seconds(600)) { self.idleLimit = idleLimit }

    /// Decides about the next record for a partition, and counts it as sent unless it has to wait.
    mutating func admit(_ partition: Partition, now: ContinuousClock.Instant) -> Passage {
        switch self[partition] {
        case .opening: return .wait
        case .open(let last) where now - last <= idleLimit:
            if last != now { self[partition] = .open(last: now) }
            return .free
        case .open, nil:
            self[partition] = .opening
            return .alone
        }
    }

    /// The record that was to go alone does not go.
    mutating func withdraw(_ partition: Partition) {
        if case .opening = self[partition] { self[partition] = nil }
    }

    /// The record that went alone is in the log.
    mutating func acknowledge(_ partition: Partition, now: ContinuousClock.Instant) {
        self[partition] = .open(last: now)
    }

    private subscript(partition: Partition) -> State? {
        get {
            let (topic, index) = (partition.topic, Int(partition.partition))
            return topic < partitions.count && index < partitions[topic].count ? partitions[topic][index] : nil
        }
        set {
            let (topic, index) = (partition.topic, Int(partition.partition))
            while partitions.count <= topic { partitions.append([]) }
            while partitions[topic].count <= index { partitions[topic].append(nil) }
            partitions[topic][index] = newValue
        }
    }
}
