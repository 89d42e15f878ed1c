import NIOCore

/// Where a partition's log is kept beyond the life of the process.
protocol PartitionStore: AnyObject {
    /// Writes a batch at the end of the active segment.
    func append(_ bytes: ByteBuffer) throws
    /// Begins a new segment and saves what only the older ones would tell.
    func roll(at offset: Int64, producers: [Int64: ProducerEntry], aborted: [AbortedTransaction]) throws
    /// Deletes a segment.
    func dropSegment(_ baseOffset: Int64, newStart: Int64) throws
    /// Saves the first readable offset.
    func saveStart(_ offset: Int64) throws
    /// Replaces a closed segment's batches.
    func rewrite(_ segment: LogSegment) throws
    /// Deletes everything of the partition.
    func delete() throws
}
