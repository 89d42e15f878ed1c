import NIOCore

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
