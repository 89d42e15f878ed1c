import NIOCore

/// Opens snappy, plain as librdkafka writes it, or in the blocks of Java's snappy streams.
///
/// Own code, since the format is two pages long and its C library would be one more thing to install.
enum Snappy {
    private static let streamMagic: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0x00]

    static func decompress(_ bytes: ByteBuffer) throws(WireError) -> ByteBuffer {
        var input = bytes
        var output = ByteBuffer()
        guard input.getBytes(at: input.readerIndex, length: 8) == streamMagic else {
            try block(&input, into: &output)
            return output
        }
        // The magic is followed by two version numbers.
        guard input.readSlice(length: 16) != nil else { throw .badCompression }
        while input.readableBytes > 0 {
            guard let length = input.readInteger(as: Int32.self), length >= 0,
                var part = input.readSlice(length: Int(length))
            else { throw .badCompression }
            try block(&part, into: &output)
        }
        return output
    }

    private static func block(_ input: inout ByteBuffer, into output: inout ByteBuffer) throws(WireError) {
        let start = output.writerIndex
        let length = try varint(&input)
        guard length <= Decompression.maxBytes, output.readableBytes + length <= Decompression.maxBytes else {
            throw .badCompression
        }
        while input.readableBytes > 0 {
            guard let tag = input.readInteger(as: UInt8.self) else { throw .badCompression }
            if tag & 3 == 0 {
                guard var literal = input.readSlice(length: try literalLength(tag, &input)) else {
                    throw .badCompression
                }
                output.writeBuffer(&literal)
            } else {
                let (count, offset) = try copy(tag, &input)
                guard offset > 0, offset <= output.writerIndex - start else { throw .badCompression }
                repeatBytes(count, from: offset, in: &output)
            }
            guard output.writerIndex - start <= length else { throw .badCompression }
        }
        guard output.writerIndex - start == length else { throw .badCompression }
    }

    private static func varint(_ input: inout ByteBuffer) throws(WireError) -> Int {
        var value = 0
        for shift in stride(from: 0, through: 28, by: 7) {
            guard let byte = input.readInteger(as: UInt8.self) else { throw .badCompression }
            value |= Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw .badCompression
    }

    private static func littleEndian(_ bytes: Int, _ input: inout ByteBuffer) throws(WireError) -> Int {
        var value = 0
        for index in 0..<bytes {
            guard let byte = input.readInteger(as: UInt8.self) else { throw .badCompression }
            value |= Int(byte) << (8 * index)
        }
        return value
    }

    private static func literalLength(_ tag: UInt8, _ input: inout ByteBuffer) throws(WireError) -> Int {
        let short = Int(tag >> 2)
        return short < 60 ? short + 1 : try littleEndian(short - 59, &input) + 1
    }

    private static func copy(_ tag: UInt8, _ input: inout ByteBuffer) throws(WireError) -> (count: Int, offset: Int) {
        switch tag & 3 {
        case 1: (Int(tag >> 2 & 7) + 4, Int(tag >> 5) << 8 | (try littleEndian(1, &input)))
        case 2: (Int(tag >> 2) + 1, try littleEndian(2, &input))
        default: (Int(tag >> 2) + 1, try littleEndian(4, &input))
        }
    }

    /// Copies bytes of the output to its end; the ranges may overlap, which repeats them.
    private static func repeatBytes(_ count: Int, from offset: Int, in output: inout ByteBuffer) {
        var rest = count
        while rest > 0 {
            let part = min(rest, offset)
            guard let bytes = output.getBytes(at: output.writerIndex - offset, length: part) else { return }
            output.writeBytes(bytes)
            rest -= part
        }
    }
}
