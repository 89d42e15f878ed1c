import CCompression
import NIOCore

/// Opens the compressed records of a batch, where times, keys or compaction need them.
enum Decompression {
    /// No batch is let grow larger than this: a few bytes can claim to be gigabytes.
    static let maxBytes = 256 << 20
    private static let chunk = 256 << 10

    static func decompress(_ bytes: ByteBuffer, type: Int16) throws(WireError) -> ByteBuffer {
        switch type {
        case 0: return bytes
        case 1: return try gzip(bytes)
        case 2: return try Snappy.decompress(bytes)
        case 3: return try lz4(bytes)
        case 4: return try zstd(bytes)
        default: throw .badCompression
        }
    }

    private static func gzip(_ bytes: ByteBuffer) throws(WireError) -> ByteBuffer {
        var stream = z_stream()
        // 32 more than the window lets the library tell gzip from zlib.
        guard inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .badCompression
        }
        defer { inflateEnd(&stream) }
        return try run(bytes) { input, output in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: Bytef.self))
            stream.avail_in = uInt(input.count)
            stream.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
            stream.avail_out = uInt(output.count)
            let status = inflate(&stream, Z_NO_FLUSH)
            guard status == Z_OK || status == Z_STREAM_END else { return nil }
            return Step(
                consumed: input.count - Int(stream.avail_in), produced: output.count - Int(stream.avail_out),
                isDone: status == Z_STREAM_END)
        }
    }

    private static func lz4(_ bytes: ByteBuffer) throws(WireError) -> ByteBuffer {
        var context: OpaquePointer?
        guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0 else {
            throw .badCompression
        }
        defer { LZ4F_freeDecompressionContext(context) }
        return try run(bytes) { input, output in
            var produced = output.count
            var consumed = input.count
            let status = LZ4F_decompress(
                context, output.baseAddress, &produced, input.baseAddress, &consumed, nil)
            guard LZ4F_isError(status) == 0 else { return nil }
            return Step(consumed: consumed, produced: produced, isDone: status == 0)
        }
    }

    private static func zstd(_ bytes: ByteBuffer) throws(WireError) -> ByteBuffer {
        guard let stream = ZSTD_createDStream() else { throw .badCompression }
        defer { ZSTD_freeDStream(stream) }
        return try run(bytes) { input, output in
            var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
            var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
            let status = ZSTD_decompressStream(stream, &target, &source)
            guard ZSTD_isError(status) == 0 else { return nil }
            return Step(consumed: source.pos, produced: target.pos, isDone: status == 0)
        }
    }

    private struct Step {
        let consumed: Int
        let produced: Int
        let isDone: Bool
    }

    /// Feeds a streaming library until its input is used up or it says that it is done.
    private static func run(
        _ bytes: ByteBuffer, _ step: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Step?
    ) throws(WireError) -> ByteBuffer {
        var input = bytes
        var output = ByteBufferAllocator().buffer(capacity: min(chunk, bytes.readableBytes * 4 + 64))
        while true {
            guard output.readableBytes <= maxBytes else { throw .badCompression }
            var result: Step?
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: chunk) { target in
                result = input.withUnsafeReadableBytes { step($0, target) }
                return result?.produced ?? 0
            }
            guard let result else { throw .badCompression }
            input.moveReaderIndex(forwardBy: result.consumed)
            if result.isDone && (input.readableBytes == 0 || result.consumed == 0 && result.produced == 0) {
                return output
            }
            if result.consumed == 0 && result.produced == 0 { throw .badCompression }
        }
    }
}
