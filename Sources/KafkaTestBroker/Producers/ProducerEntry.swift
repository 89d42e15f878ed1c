/// What a partition remembers of one producer.
struct ProducerEntry: Hashable, Codable {
    /// One remembered batch, to recognise it when it comes again.
    struct Batch: Hashable, Codable {
        var lastSequence: Int32
        var lastOffset: Int64
        var offsetDelta: Int32
        var timestamp: Int64

        var firstOffset: Int64 { lastOffset - Int64(offsetDelta) }

        /// The first sequence number, which lies before the last one also across the wrap.
        var firstSequence: Int32 {
            lastSequence < offsetDelta ? Int32.max - (offsetDelta - lastSequence) + 1 : lastSequence - offsetDelta
        }
    }

    static let noEpoch: Int16 = -1
    static let noSequence: Int32 = -1
    /// As many batches as a client may have in flight with idempotence.
    static let rememberedBatches = 5

    var epoch = Self.noEpoch
    var coordinatorEpoch: Int32 = -1
    var lastTimestamp: Int64 = -1
    var transactionFirstOffset: Int64?
    private(set) var batches: [Batch] = []

    var lastSequence: Int32 { batches.last?.lastSequence ?? Self.noSequence }
    var lastOffset: Int64 { batches.last?.lastOffset ?? -1 }

    /// The batch that an append would repeat, if it is remembered.
    func duplicate(epoch: Int16, firstSequence: Int32, lastSequence: Int32) -> Batch? {
        guard epoch == self.epoch else { return nil }
        return batches.first { $0.firstSequence == firstSequence && $0.lastSequence == lastSequence }
    }

    mutating func raiseEpoch(to epoch: Int16) {
        guard epoch != self.epoch else { return }
        batches.removeAll()
        self.epoch = epoch
    }

    mutating func add(_ batch: Batch, epoch: Int16) {
        raiseEpoch(to: epoch)
        if batches.count == Self.rememberedBatches { batches.removeFirst() }
        batches.append(batch)
        lastTimestamp = batch.timestamp
    }
}
