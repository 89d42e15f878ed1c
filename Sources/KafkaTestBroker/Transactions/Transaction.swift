/// What the coordinator knows of one transactional id.
struct Transaction: Hashable, Codable {
    enum State: String, Codable {
        case empty = "Empty"
        case ongoing = "Ongoing"
        case prepareCommit = "PrepareCommit"
        case prepareAbort = "PrepareAbort"
        case completeCommit = "CompleteCommit"
        case completeAbort = "CompleteAbort"
    }

    let id: String
    var producerID: Int64
    var previousProducerID: Int64 = -1
    var epoch: Int16 = -1
    var lastEpoch: Int16 = -1
    var timeoutMilliseconds: Int32
    var state = State.empty
    var partitions: Set<TopicPartition> = []
    /// Consumer groups whose offsets the transaction commits.
    var groups: Set<String> = []
    var started: Int64 = -1
    var updated: Int64

    /// Whether its outcome is decided while markers are still to be written.
    var isPrepared: Bool { state == .prepareCommit || state == .prepareAbort }

    var producer: TransactionTable.Producer { .init(id: producerID, epoch: epoch) }

    /// Forgets what it has touched.
    mutating func empty() {
        partitions = []
        groups = []
        started = -1
    }

    /// The largest epoch is kept free, so that the present producer can always be fenced.
    static func isExhausted(_ epoch: Int16) -> Bool { epoch >= Int16.max - 1 }
}

/// What a marker is written to when a transaction ends.
enum MarkerTarget: Hashable {
    case partition(TopicPartition)
    /// The offsets of a consumer group.
    case group(String)
    /// Nothing: the transaction was empty.
    case none

    /// All that a transaction has touched, in a fixed order.
    static func all(of transaction: Transaction) -> [MarkerTarget] {
        let targets =
            transaction.partitions.sorted().map(MarkerTarget.partition)
            + transaction.groups.sorted().map(MarkerTarget.group)
        return targets.isEmpty ? [.none] : targets
    }

    var partition: TopicPartition? {
        if case .partition(let partition) = self { partition } else { nil }
    }
}
