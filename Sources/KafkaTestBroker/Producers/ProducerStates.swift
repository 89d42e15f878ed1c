/// The producers of one partition: which sequences were seen, which transactions are open. Decides, without I/O or clock.
struct ProducerStates {
    /// What a partition says about a batch of an idempotent or transactional producer.
    enum Verdict: Equatable {
        case append
        /// The batch is in the log already.
        case duplicate(ProducerEntry.Batch)
        case refuse(KafkaErrorCode)
    }

    private(set) var entries: [Int64: ProducerEntry] = [:]
    /// First offsets of open transactions by producer.
    private(set) var openTransactions: [Int64: Int64] = [:]

    /// Where the earliest open transaction begins: readers of committed data stop there.
    var firstUnstableOffset: Int64? { openTransactions.isEmpty ? nil : openTransactions.values.min() }

    /// Judges a batch from a client, before it is written.
    func judge(_ batch: RecordBatchHeader) -> Verdict {
        if let known = duplicate(of: batch) { return .duplicate(known) }
        guard let entry = entries[batch.producerID] else { return .append }
        if batch.producerEpoch < entry.epoch { return .refuse(.invalidProducerEpoch) }
        if batch.producerEpoch != entry.epoch {
            // A new epoch starts at 0, unless nothing is known of the producer but its entry.
            if batch.baseSequence != 0 && entry.epoch != ProducerEntry.noEpoch {
                return .refuse(.outOfOrderSequenceNumber)
            }
        } else if entry.epoch != ProducerEntry.noEpoch && !Self.follows(batch.baseSequence, entry.lastSequence) {
            return .refuse(.outOfOrderSequenceNumber)
        }
        if entry.transactionFirstOffset != nil && !batch.isTransactional { return .refuse(.invalidTxnState) }
        return .append
    }

    /// The batch that is in the log already, if it is remembered.
    func duplicate(of batch: RecordBatchHeader) -> ProducerEntry.Batch? {
        entries[batch.producerID]?.duplicate(
            epoch: batch.producerEpoch, firstSequence: batch.baseSequence, lastSequence: batch.lastSequence)
    }

    private static func follows(_ next: Int32, _ last: Int32) -> Bool {
        Int64(next) == Int64(last) + 1 || (next == 0 && last == Int32.max)
    }

    /// Remembers a data batch that is in the log, at its final offsets.
    mutating func record(_ batch: RecordBatchHeader) {
        guard batch.hasProducerID else { return }
        var entry = entries[batch.producerID] ?? ProducerEntry()
        entry.add(
            .init(
                lastSequence: batch.lastSequence, lastOffset: batch.lastOffset, offsetDelta: batch.lastOffsetDelta,
                timestamp: batch.maxTimestamp), epoch: batch.producerEpoch)
        if batch.isTransactional && entry.transactionFirstOffset == nil {
            entry.transactionFirstOffset = batch.baseOffset
            openTransactions[batch.producerID] = batch.baseOffset
        }
        entries[batch.producerID] = entry
    }

    /// Judges a transaction marker, before it is written.
    func judge(_ marker: TransactionMarker) -> KafkaErrorCode {
        guard let entry = entries[marker.producerID] else { return .none }
        if marker.epoch < entry.epoch { return .invalidProducerEpoch }
        return marker.coordinatorEpoch < entry.coordinatorEpoch ? .transactionCoordinatorFenced : .none
    }

    /// Remembers a marker that is in the log, and gives the first offset of the transaction that it ended, if it was not empty.
    mutating func record(_ marker: TransactionMarker, timestamp: Int64) -> Int64? {
        var entry = entries[marker.producerID] ?? ProducerEntry()
        let first = entry.transactionFirstOffset
        entry.raiseEpoch(to: marker.epoch)
        entry.transactionFirstOffset = nil
        entry.coordinatorEpoch = marker.coordinatorEpoch
        entry.lastTimestamp = timestamp
        entries[marker.producerID] = entry
        openTransactions[marker.producerID] = nil
        return first
    }

    /// Forgets producers without an open transaction whose last record is older than `lifetime` milliseconds.
    ///
    /// The age is that of the record's own time, as in Apache Kafka: a producer of old records is forgotten early.
    mutating func expire(now: Int64, lifetime: Int64) {
        entries = entries.filter { _, entry in
            entry.transactionFirstOffset != nil || now - entry.lastTimestamp < lifetime
        }
    }

    /// Forgets one producer, or all: what a broker that lost its state would do. Where an open transaction begins stays known,
    /// as no broker loses that: aborted records would show.
    mutating func forget(_ producerID: Int64?) {
        for id in producerID.map({ [$0] }) ?? Array(entries.keys) {
            let first = entries[id]?.transactionFirstOffset
            entries[id] = first.map { ProducerEntry(transactionFirstOffset: $0) }
        }
    }

    /// Takes over what was saved.
    mutating func restore(_ saved: [Int64: ProducerEntry]) {
        entries = saved
        openTransactions = saved.compactMapValues(\.transactionFirstOffset)
    }
}
