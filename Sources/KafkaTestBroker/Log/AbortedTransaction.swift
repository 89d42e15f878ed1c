/// A transaction that was aborted: readers of committed data skip its records.
struct AbortedTransaction: Hashable, Codable {
    let producerID: Int64
    let firstOffset: Int64
    /// The offset of the abort marker.
    let lastOffset: Int64
}
