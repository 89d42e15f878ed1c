import NIOCore

/// A run of batches that is kept or dropped as a whole.
struct LogSegment {
    let baseOffset: Int64
    private(set) var batches: [StoredBatch] = []
    private(set) var size = 0
    private(set) var maxTimestamp: Int64 = -1
    /// When the segment got its first batch, in milliseconds since 1970.
    private(set) var created: Int64

    init(baseOffset: Int64, created: Int64) {
        self.baseOffset = baseOffset
        self.created = created
    }

    mutating func append(_ batch: StoredBatch) {
        batches.append(batch)
        size += batch.size
        maxTimestamp = max(maxTimestamp, batch.maxTimestamp)
    }

    /// Replaces the batches: what compaction leaves of them.
    mutating func replace(_ kept: [StoredBatch]) {
        batches = kept
        size = kept.reduce(0) { $0 + $1.size }
        maxTimestamp = kept.map(\.maxTimestamp).max() ?? -1
    }

    /// Index of the first batch that ends at or after `offset`.
    func index(of offset: Int64) -> Int {
        var low = 0
        var high = batches.count
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].lastOffset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// One batch in the log, as the bytes that readers get.
struct StoredBatch {
    let baseOffset: Int64
    let lastOffset: Int64
    let maxTimestamp: Int64
    /// Bytes in the log before this batch since the partition began; differences are sizes.
    let position: Int64
    let bytes: ByteBuffer

    var size: Int { bytes.readableBytes }
    var endPosition: Int64 { position + Int64(size) }
}

/// A transaction that was aborted: readers of committed data skip its records.
struct AbortedTransaction: Hashable, Codable {
    let producerID: Int64
    let firstOffset: Int64
    /// The offset of the abort marker.
    let lastOffset: Int64
}
