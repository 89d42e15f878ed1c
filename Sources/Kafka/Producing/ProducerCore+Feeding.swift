internal import Synchronization

extension ProducerCore {
    /// Hands over some records of a batch, in the order of `indices`, waiting out a full queue. False when feeding
    /// had to stop.
    func feed(_ batch: Batch, from source: any RecordSource, indices: RecordIndices) async -> Bool {
        var rest = indices
        while true {
            let generation = reports.generation
            let (taken, isFull) = hand(batch, from: source, rest)
            rest.dropFirst(taken)
            if rest.count == 0 { return true }
            if !isFull || Task.isCancelled { return false }
            await reports.wait(after: generation)
        }
    }

    /// Hands over records until the queue is full or one is refused.
    func hand(
        _ batch: Batch, from source: any RecordSource, _ indices: RecordIndices
    ) -> (taken: Int, isFull: Bool) {
        if batch.hasFailed { return (0, false) }
        if let refusal = state.withLock({ $0.life.beginTaking() }) {
            batch.abandon(refusal)
            return (0, false)
        }
        defer { endCall() }
        batch.announce(indices.count)
        let (taken, bytes, failure) = handEach(of: batch, from: source, indices)
        state.withLock { state in
            state.bytesInFlight += bytes
            if taken > 0 { state.stallWatch.handedOver(taken, now: .now) }
        }
        if taken < indices.count {
            // Not settled by this: feeding has not ended.
            _ = batch.retract(indices.count - taken, failure: failure)
        }
        if let failure { fail(failure.error) }
        return (taken, failure == nil)
    }

    private func handEach(
        of batch: Batch, from source: any RecordSource, _ indices: RecordIndices
    ) -> (taken: Int, bytes: Int, failure: (index: Int, error: KafkaError)?) {
        var writer = client.makeWriter()
        var bytes = 0
        for place in 0..<indices.count {
            let index = indices[place]
            var error = hand(index, of: batch, from: source, &writer)
            if error?.code == .queueFull, client.queueLength == 0 {
                // Emptied meanwhile; or else the record alone is larger than the queue.
                error = hand(index, of: batch, from: source, &writer)
                if error?.code == .queueFull { error = Self.largerThanQueueError }
            }
            if let error { return (place, bytes, error.code == .queueFull ? nil : (index, error)) }
            bytes += writer.payloadBytes
        }
        return (indices.count, bytes, nil)
    }

    private func hand(
        _ index: Int, of batch: Batch, from source: any RecordSource, _ writer: inout RecordWriter
    ) -> KafkaError? {
        writer.begin(slot: BatchSlots.opaque(slot: batch.slot, index: index))
        source.fill(index, &writer)
        return client.take(&writer)
    }

    private static var largerThanQueueError: KafkaError {
        KafkaError(
            .messageTooLarge, message: "The record is larger than the producer's queue (queue.buffering.max.kbytes)")
    }
}
