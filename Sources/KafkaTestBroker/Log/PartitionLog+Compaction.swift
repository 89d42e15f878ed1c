import NIOCore

extension PartitionLog {
    /// Keeps the last record of each key in the closed segments, once enough has come since the last time.
    ///
    /// Records of open transactions and after them stay; those of aborted ones go, as do deletions older than
    /// `delete.retention.ms`. Offsets never change.
    func compact(now: Int64, settings: TopicSettings) throws {
        let closed = segments.dropLast().prefix { ($0.batches.last?.lastOffset ?? 0) < lastStableOffset }
        let dirty = closed.reduce(0) { $0 + ($1.baseOffset >= compactedUpTo ? $1.size : 0) }
        let total = closed.reduce(0) { $0 + $1.size }
        guard dirty > 0, Double(dirty) >= settings.minCleanableDirtyRatio * Double(total) else { return }
        var latest: [ByteBuffer: Int64] = [:]
        for segment in closed {
            for batch in segment.batches { collect(batch, into: &latest) }
        }
        var kept: [LogSegment] = []
        for segment in closed {
            var rest = segment
            rest.replace(
                segment.batches.compactMap { batch in
                    let horizon = now - settings.deleteRetentionMilliseconds
                    return compact(batch, latest: latest, deletionsAfter: horizon)
                })
            if rest.size != segment.size { try store?.rewrite(rest) }
            kept.append(rest)
        }
        let untouched = segments.dropLast().dropFirst(closed.count)
        compactedUpTo = segments[closed.count].baseOffset
        replaceClosedSegments(kept + untouched)
    }

    private func isAborted(_ batch: StoredBatch, _ header: RecordBatchHeader) -> Bool {
        header.isTransactional
            && abortedTransactions.contains {
                $0.producerID == header.producerID && $0.firstOffset <= batch.baseOffset
                    && batch.lastOffset < $0.lastOffset
            }
    }

    private func collect(_ batch: StoredBatch, into latest: inout [ByteBuffer: Int64]) {
        guard let header = RecordBatchHeader(batch.bytes), !header.isControl, !isAborted(batch, header),
            let records = try? RecordSet(batch.bytes).records()
        else { return }
        for record in records {
            if let key = record.key { latest[ByteBuffer(bytes: key.readableBytesView)] = record.offset }
        }
    }

    /// What is left of a batch; nil if nothing is and nothing hangs on it.
    private func compact(
        _ batch: StoredBatch, latest: [ByteBuffer: Int64], deletionsAfter horizon: Int64
    ) -> StoredBatch? {
        guard var header = RecordBatchHeader(batch.bytes), !header.isControl else { return batch }
        let isLastOfProducer = producers.entries[header.producerID]?.lastOffset == batch.lastOffset
        guard let records = try? RecordSet(batch.bytes).records() else { return batch }
        let kept =
            isAborted(batch, header)
            ? []
            : records.filter { record in
                guard let key = record.key, latest[key] == record.offset else { return false }
                return record.value != nil || record.timestamp > horizon
            }
        if kept.count == records.count { return batch }
        // An empty batch keeps the producer's sequence for a reader of the files.
        if kept.isEmpty && !isLastOfProducer { return nil }
        header.attributes &= ~0x07
        header.maxTimestamp = kept.map(\.timestamp).max() ?? header.maxTimestamp
        return StoredBatch(
            baseOffset: batch.baseOffset, lastOffset: batch.lastOffset, maxTimestamp: header.maxTimestamp,
            position: batch.position, bytes: header.batch(of: kept.map(\.body)))
    }
}
