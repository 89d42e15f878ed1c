import NIOCore

extension PartitionLog {
    /// The first record whose time is `timestamp` or later.
    func firstRecord(atOrAfter timestamp: Int64, before end: Int64) -> (offset: Int64, timestamp: Int64)? {
        for segment in segments where segment.maxTimestamp >= timestamp {
            for batch in segment.batches where batch.maxTimestamp >= timestamp && batch.lastOffset >= startOffset {
                guard batch.baseOffset < end else { return nil }
                if let record = records(of: batch).first(where: {
                    $0.timestamp >= timestamp && $0.offset >= startOffset
                }) {
                    return (record.offset, record.timestamp)
                }
            }
        }
        return nil
    }

    /// The first of the records with the latest time.
    func latestRecord(before end: Int64) -> (offset: Int64, timestamp: Int64)? {
        var latest: StoredBatch?
        for segment in segments {
            for batch in segment.batches
            where batch.baseOffset < end && batch.maxTimestamp > latest?.maxTimestamp ?? -1 {
                latest = batch
            }
        }
        guard let latest else { return nil }
        let record = records(of: latest).first { $0.timestamp >= latest.maxTimestamp }
        return record.map { ($0.offset, $0.timestamp) } ?? (latest.lastOffset, latest.maxTimestamp)
    }

    /// Offsets and times of a batch's records; of a batch that cannot be read, its last offset and time.
    private func records(of batch: StoredBatch) -> [(offset: Int64, timestamp: Int64)] {
        guard let header = RecordBatchHeader(batch.bytes) else { return [] }
        if header.isControl || header.usesAppendTime { return [(batch.baseOffset, batch.maxTimestamp)] }
        let records = try? RecordSet(batch.bytes).records()
        return records?.map { ($0.offset, $0.timestamp) } ?? [(batch.lastOffset, batch.maxTimestamp)]
    }
}
