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

    /// Whether its outcome stands while markers are still to be written.
    var isPrepared: Bool { state == .prepareCommit || state == .prepareAbort }

    var producer: TransactionTable.Producer { .init(id: producerID, epoch: epoch) }

    /// The largest epoch is kept free, so that the present producer can always be fenced.
    static func isExhausted(_ epoch: Int16) -> Bool { epoch >= Int16.max - 1 }
}
