import NIOCore

/// The log of one partition: batches in memory, and in files if the broker keeps a directory.
final class PartitionLog {
    /// Offsets and batches that a read gives back.
    struct Slice {
        var batches: [ByteBuffer] = []
        var size = 0
        /// The offset after the last batch given back.
        var nextOffset: Int64
    }

    private(set) var segments: [LogSegment]
    private(set) var startOffset: Int64 = 0
    private(set) var endOffset: Int64 = 0
    private(set) var size: Int64 = 0
    /// First offsets of the leader epochs under which something was written.
    private(set) var leaderEpochs: [(epoch: Int32, startOffset: Int64)] = []
    private var endPosition: Int64 = 0
    private(set) var abortedTransactions: [AbortedTransaction] = []
    var producers = ProducerStates()
    /// Segments before this offset are compacted already.
    var compactedUpTo: Int64 = 0
    let store: FilePartitionStore?

    init(now: Int64, store: FilePartitionStore? = nil) {
        segments = [LogSegment(baseOffset: 0, created: now)]
        self.store = store
    }

    /// Readers of committed data get nothing at or after this offset.
    var lastStableOffset: Int64 { producers.firstUnstableOffset.map { max($0, startOffset) } ?? endOffset }

    /// Where a reader stops.
    func end(_ committedOnly: Bool) -> Int64 { committedOnly ? lastStableOffset : endOffset }

    /// Writes a batch at the end and returns its first offset.
    ///
    /// Only base offset and leader epoch are rewritten: the checksum does not cover them. The bytes are copied, so that the
    /// log does not keep a whole network buffer alive.
    func append(_ batch: ByteBuffer, header: RecordBatchHeader, leaderEpoch: Int32, now: Int64, settings: TopicSettings)
        throws -> RecordBatchHeader
    {
        var header = header
        header.baseOffset = endOffset
        header.partitionLeaderEpoch = leaderEpoch
        var bytes = ByteBufferAllocator().buffer(capacity: batch.readableBytes)
        bytes.writeImmutableBuffer(batch)
        bytes.setInteger(endOffset, at: 0)
        bytes.setInteger(leaderEpoch, at: 12)
        if shouldRoll(adding: bytes.readableBytes, now: now, settings: settings) {
            try roll(now: now)
            // What producers send in a moment must not outgrow memory until retention is looked at next.
            if settings.deletes { try applySizeRetention(settings) }
        }
        try store?.append(bytes)
        place(bytes, header: header)
        return header
    }

    /// Puts a batch that has its offsets at the end: also what was read back from a file.
    func place(_ bytes: ByteBuffer, header: RecordBatchHeader) {
        if leaderEpochs.last.map({ $0.epoch < header.partitionLeaderEpoch }) ?? true {
            leaderEpochs.append((header.partitionLeaderEpoch, header.baseOffset))
        }
        let stored = StoredBatch(
            baseOffset: header.baseOffset, lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp,
            position: endPosition, bytes: bytes)
        segments[segments.count - 1].append(stored)
        endPosition += Int64(stored.size)
        size += Int64(stored.size)
        endOffset = max(endOffset, header.lastOffset + 1)
    }

    /// Takes in what a marker in the log ended.
    func note(_ marker: TransactionMarker, at header: RecordBatchHeader) {
        let first = producers.record(marker, timestamp: header.maxTimestamp)
        guard let first, !marker.commits else { return }
        abortedTransactions.append(
            AbortedTransaction(producerID: marker.producerID, firstOffset: first, lastOffset: header.baseOffset))
    }

    // MARK: Reading

    /// Whole batches from the one that holds `offset`, up to `limit`, which no batch crosses.
    ///
    /// A first batch larger than `maxBytes` is given back only if the reader would get nothing at all otherwise.
    func read(from offset: Int64, limit: Int64, maxBytes: Int, atLeastOne: Bool) -> Slice {
        var slice = Slice(nextOffset: offset)
        var segmentIndex = segmentIndex(of: offset)
        while segmentIndex < segments.count {
            let segment = segments[segmentIndex]
            var index = segment.index(of: offset)
            while index < segment.batches.count {
                let batch = segment.batches[index]
                if batch.baseOffset >= limit { return slice }
                let fits = slice.size + batch.size <= maxBytes
                if !fits && !(atLeastOne && slice.batches.isEmpty) { return slice }
                slice.batches.append(batch.bytes)
                slice.size += batch.size
                slice.nextOffset = batch.lastOffset + 1
                index += 1
            }
            segmentIndex += 1
        }
        return slice
    }

    /// How many bytes a reader at `offset` could get now.
    func bytesAvailable(from offset: Int64, limit: Int64) -> Int {
        guard offset < limit, let first = batch(atOrAfter: offset) else { return 0 }
        if limit >= endOffset { return Int(endPosition - first.position) }
        guard let end = batch(atOrAfter: limit) else { return Int(endPosition - first.position) }
        return Int(end.position - first.position)
    }

    /// Transactions aborted within the range of a read.
    func aborted(from offset: Int64, to end: Int64) -> [AbortedTransaction] {
        abortedTransactions.filter { $0.lastOffset >= offset && $0.firstOffset < end }
    }

    func batch(atOrAfter offset: Int64) -> StoredBatch? {
        for index in segmentIndex(of: offset)..<segments.count {
            let segment = segments[index]
            let found = segment.index(of: offset)
            if found < segment.batches.count { return segment.batches[found] }
        }
        return nil
    }

    /// The last leader epoch at or before `epoch`, and the offset at which it ended.
    func endOfEpoch(_ epoch: Int32, current: Int32) -> (epoch: Int32, endOffset: Int64) {
        if epoch == current { return (epoch, endOffset) }
        guard epoch < current, let index = leaderEpochs.lastIndex(where: { $0.epoch <= epoch }) else { return (-1, -1) }
        let end = index + 1 < leaderEpochs.count ? leaderEpochs[index + 1].startOffset : endOffset
        return (leaderEpochs[index].epoch, end)
    }

    /// Index of the last segment that begins at or before `offset`.
    private func segmentIndex(of offset: Int64) -> Int {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }

    // MARK: Segments and retention

    private func shouldRoll(adding bytes: Int, now: Int64, settings: TopicSettings) -> Bool {
        guard let active = segments.last, !active.batches.isEmpty else { return false }
        return active.size + bytes > settings.segmentBytes || now - active.created >= settings.segmentMilliseconds
    }

    /// Closes the active segment and begins a new one.
    func roll(now: Int64) throws {
        guard let active = segments.last, !active.batches.isEmpty else { return }
        try store?.roll(at: endOffset, producers: producers.entries, aborted: abortedTransactions)
        segments.append(LogSegment(baseOffset: endOffset, created: now))
    }

    /// Drops the segments that all retention rules let go, and reports whether any went.
    func applyRetention(now: Int64, settings: TopicSettings) throws -> Bool {
        let before = segments.count
        let expired = { (segment: LogSegment) in
            settings.retentionMilliseconds >= 0 && !segment.batches.isEmpty
                && now - segment.maxTimestamp > settings.retentionMilliseconds
        }
        if settings.deletes {
            if segments.count == 1, expired(segments[0]) { try roll(now: now) }
            while segments.count > 1, expired(segments[0]) { try dropFirstSegment() }
            try applySizeRetention(settings)
        }
        while segments.count > 1, segments[1].baseOffset <= startOffset { try dropFirstSegment() }
        return segments.count != before
    }

    private func applySizeRetention(_ settings: TopicSettings) throws {
        while segments.count > 1, settings.retentionBytes >= 0,
            size - Int64(segments[0].size) >= settings.retentionBytes
        {
            try dropFirstSegment()
        }
    }

    private func dropFirstSegment() throws {
        let gone = segments.removeFirst()
        size -= Int64(gone.size)
        startOffset = max(startOffset, segments[0].baseOffset)
        abortedTransactions.removeAll { $0.lastOffset < startOffset }
        try store?.dropSegment(gone.baseOffset, newStart: startOffset)
    }

    /// Moves the first readable offset: `DeleteRecords`.
    func moveStart(to offset: Int64) throws {
        guard offset > startOffset else { return }
        startOffset = offset
        try store?.saveStart(offset)
    }

    // MARK: Recovery

    /// Begins a segment whose batches are read back from its file.
    func beginSegment(at offset: Int64, created: Int64) {
        if segments.count == 1, segments[0].batches.isEmpty {
            segments[0] = LogSegment(baseOffset: offset, created: created)
            startOffset = offset
        } else {
            segments.append(LogSegment(baseOffset: offset, created: created))
        }
        endOffset = max(endOffset, offset)
    }

    func restore(producers saved: [Int64: ProducerEntry], aborted: [AbortedTransaction]) {
        producers.restore(saved)
        abortedTransactions = aborted
    }

    func restore(start: Int64) { startOffset = min(max(startOffset, start), endOffset) }

    /// Takes a batch read back into the producers' state.
    func replay(_ batch: ByteBuffer, header: RecordBatchHeader) {
        if let marker = TransactionMarker(batch, header: header) {
            note(marker, at: header)
        } else if !header.isControl {
            producers.record(header)
        }
    }

    /// Puts what compaction left in place of closed segments.
    func replaceClosedSegments(_ kept: [LogSegment]) {
        segments.replaceSubrange(..<(segments.count - 1), with: kept)
        size = segments.reduce(0) { $0 + Int64($1.size) }
    }
}
