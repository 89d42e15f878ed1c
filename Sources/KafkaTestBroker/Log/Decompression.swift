import NIOCore

/// Opens the compressed records of a batch.
enum Decompression {
    static func decompress(_ bytes: ByteBuffer, type: Int16) throws(WireError) -> ByteBuffer {
        switch type {
        case 0: return bytes
        default: throw .badCompression
        }
    }
}
