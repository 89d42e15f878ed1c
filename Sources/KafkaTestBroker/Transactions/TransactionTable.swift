/// The transaction coordinator's decisions, by Apache Kafka's rules. No I/O, no clock.
struct TransactionTable {
    /// A producer's id and epoch.
    struct Producer: Hashable, Field {
        var id: Int64 = -1
        var epoch: Int16 = -1

        mutating func code(_ wire: inout Coder) { wire(&id, &epoch) }
    }

    enum Initialization: Equatable {
        case ready(Producer)
        case refuse(KafkaErrorCode)
        /// The predecessor's open transaction must be aborted first; the client is to ask again.
        case abortPredecessor
    }

    private(set) var transactions: [String: Transaction] = [:]

    mutating func restore(_ transaction: Transaction) { transactions[transaction.id] = transaction }

    /// Decides about `InitProducerId` of a transactional producer. `drawID` gives a producer id never given before.
    mutating func initialize(
        _ id: String, timeout: Int32, expected: Producer?, now: Int64, drawID: () -> Int64
    ) -> Initialization {
        var transaction =
            transactions[id]
            ?? Transaction(id: id, producerID: drawID(), timeoutMilliseconds: timeout, updated: now)
        if let expected, !Self.isPlausible(expected, for: transaction) { return .refuse(.producerFenced) }
        switch transaction.state {
        case .prepareAbort, .prepareCommit: return .refuse(.concurrentTransactions)
        case .ongoing:
            fence(id)
            return .abortPredecessor
        case .empty, .completeAbort, .completeCommit: break
        }
        if Transaction.isExhausted(transaction.epoch), expected.map({ $0.epoch == transaction.epoch }) ?? true {
            transaction.lastEpoch = expected == nil ? -1 : transaction.epoch
            transaction.previousProducerID = transaction.producerID
            transaction.producerID = drawID()
            transaction.epoch = 0
        } else if let refusal = Self.raiseEpoch(of: &transaction, expected: expected?.epoch) {
            return .refuse(refusal)
        }
        transaction.state = .empty
        transaction.empty()
        transaction.timeoutMilliseconds = timeout
        transaction.updated = now
        transactions[id] = transaction
        return .ready(Producer(id: transaction.producerID, epoch: transaction.epoch))
    }

    /// Whether a producer that names its present id may have it, or may have missed the answer that gave it a new one.
    private static func isPlausible(_ expected: Producer, for transaction: Transaction) -> Bool {
        transaction.epoch == -1 || expected.id == transaction.producerID
            || (expected.id == transaction.previousProducerID && Transaction.isExhausted(expected.epoch))
    }

    private static func raiseEpoch(of transaction: inout Transaction, expected: Int16?) -> KafkaErrorCode? {
        guard let expected else {
            transaction.epoch += 1
            transaction.lastEpoch = -1
            return nil
        }
        if transaction.epoch == -1 || expected == transaction.epoch {
            transaction.lastEpoch = transaction.epoch
            transaction.epoch += 1
            return nil
        }
        // The producer repeats a request whose answer it did not get.
        return expected == transaction.lastEpoch ? nil : .producerFenced
    }

    /// Raises the epoch past the present producer's, whose transaction is then aborted.
    mutating func fence(_ id: String) {
        guard var transaction = transactions[id], transaction.epoch < Int16.max else { return }
        transaction.epoch += 1
        transaction.lastEpoch = -1
        transactions[id] = transaction
    }

    /// The transaction of an id, if the producer is the present one.
    private func find(
        _ id: String, _ producer: Producer, fenced: KafkaErrorCode
    ) throws(KafkaErrorCode) -> Transaction {
        guard let transaction = transactions[id], transaction.producerID == producer.id else {
            throw .invalidProducerIDMapping
        }
        guard transaction.epoch == producer.epoch else { throw fenced }
        return transaction
    }

    /// Decides about partitions and groups that join the transaction, which begins with the first.
    mutating func add(
        _ partitions: [TopicPartition], group: String? = nil, to id: String, producer: Producer, now: Int64
    ) throws(KafkaErrorCode) {
        guard !id.isEmpty else { throw .invalidRequest }
        var transaction = try find(id, producer, fenced: .producerFenced)
        if transaction.isPrepared { throw .concurrentTransactions }
        if transaction.state != .ongoing {
            transaction.empty()
            transaction.state = .ongoing
            transaction.started = now
        }
        transaction.partitions.formUnion(partitions)
        if let group { transaction.groups.insert(group) }
        transaction.updated = now
        transactions[id] = transaction
    }

    /// Whether a transactional record may be written: its partition must have joined the transaction.
    func verify(_ partition: TopicPartition, in id: String, producer: Producer) throws(KafkaErrorCode) {
        let transaction = try find(id, producer, fenced: .invalidProducerEpoch)
        if transaction.isPrepared { throw .notEnoughReplicas }
        guard transaction.partitions.contains(partition) else { throw .transactionAbortable }
    }

    /// Whether offsets may be committed in the transaction: their group must have joined it.
    func verify(group: String, in id: String, producer: Producer) throws(KafkaErrorCode) {
        let transaction = try find(id, producer, fenced: .invalidProducerEpoch)
        if transaction.isPrepared { throw .concurrentTransactions }
        guard transaction.groups.contains(group) else { throw .invalidTxnState }
    }

    /// Decides about the end of a transaction. True if its markers are to be written, and each reported to
    /// ``markerWritten(_:of:now:)``; false if it had ended that way already.
    mutating func end(_ id: String, producer: Producer, commit: Bool, now: Int64) throws(KafkaErrorCode) -> Bool {
        guard !id.isEmpty else { throw .invalidRequest }
        let transaction = try find(id, producer, fenced: .producerFenced)
        switch (transaction.state, commit) {
        case (.ongoing, _):
            transactions[id]?.state = commit ? .prepareCommit : .prepareAbort
            transactions[id]?.updated = now
            return true
        case (.completeCommit, true), (.completeAbort, false): return false
        case (.prepareCommit, true), (.prepareAbort, false): throw .concurrentTransactions
        default: throw .invalidTxnState
        }
    }

    /// Whether a transaction of this producer still waits for the marker.
    func awaits(_ target: MarkerTarget, of id: String, producer: Producer) -> Bool {
        guard let transaction = transactions[id], transaction.isPrepared, transaction.producer == producer else {
            return false
        }
        return switch target {
        case .partition(let partition): transaction.partitions.contains(partition)
        case .group(let group): transaction.groups.contains(group)
        case .none: transaction.partitions.isEmpty && transaction.groups.isEmpty
        }
    }

    /// Notes that one marker is written, and returns whether it was the last: the next transaction may begin then.
    mutating func markerWritten(_ target: MarkerTarget, of id: String, now: Int64) -> Bool {
        guard var transaction = transactions[id], transaction.isPrepared else { return false }
        switch target {
        case .partition(let partition): transaction.partitions.remove(partition)
        case .group(let group): transaction.groups.remove(group)
        case .none: break
        }
        let isLast = transaction.partitions.isEmpty && transaction.groups.isEmpty
        if isLast {
            transaction.state = transaction.state == .prepareCommit ? .completeCommit : .completeAbort
            transaction.empty()
            transaction.updated = now
        }
        transactions[id] = transaction
        return isLast
    }

    /// Open transactions that have outlived their timeout.
    func timedOut(now: Int64) -> [String] {
        transactions.values.filter { $0.state == .ongoing && $0.started + Int64($0.timeoutMilliseconds) < now }
            .map(\.id).sorted()
    }

    /// Transactions whose outcome is decided but whose markers may be missing: after a restart.
    var unfinished: [String] {
        transactions.values.filter(\.isPrepared).map(\.id).sorted()
    }

    /// Drops a deleted topic's partitions from open transactions; a marker that is on its way finds out by itself.
    mutating func forget(topic: String) {
        for (id, transaction) in transactions
        where !transaction.isPrepared && transaction.partitions.contains(where: { $0.topic == topic }) {
            transactions[id]?.partitions = transaction.partitions.filter { $0.topic != topic }
        }
    }
}
