import NIOCore

/// The records inside a batch, for the few occasions that need them: times, keys, compaction.
struct RecordSet {
    struct Record {
        let offset: Int64
        let timestamp: Int64
        let key: ByteBuffer?
        let value: ByteBuffer?
        /// The record as it is, without its length.
        let body: ByteBuffer
    }

    let header: RecordBatchHeader
    private let payload: ByteBuffer

    init(_ batch: ByteBuffer) throws(WireError) {
        guard let header = RecordBatchHeader(batch) else { throw .truncated }
        self.header = header
        var rest = batch
        rest.moveReaderIndex(forwardBy: RecordBatchHeader.size)
        payload = try Decompression.decompress(rest, type: header.compression)
    }

    func records() throws(WireError) -> [Record] {
        guard header.recordCount >= 0 else { throw .badRecord }
        var wire = Coder(reading: payload)
        var records: [Record] = []
        for _ in 0..<header.recordCount {
            var body = VarBytes()
            wire(&body)
            guard wire.flaw == nil, let bytes = body.bytes else { throw .badRecord }
            var content = Coder(reading: bytes)
            var fields = RecordFields()
            content(&fields)
            try content.finishReading()
            records.append(
                Record(
                    offset: header.baseOffset &+ fields.offsetDelta.value,
                    timestamp: header.baseTimestamp &+ fields.timestampDelta.value, key: fields.key.bytes,
                    value: fields.value.bytes, body: bytes))
        }
        guard wire.remaining == 0 else { throw .badRecord }
        return records
    }
}

/// The front of a record; its headers follow.
struct RecordFields: Field {
    var attributes: Int8 = 0
    var timestampDelta = Varint()
    var offsetDelta = Varint()
    var key = VarBytes()
    var value = VarBytes()

    mutating func code(_ wire: inout Coder) {
        wire(&attributes, &timestampDelta, &offsetDelta)
        wire(&key, &value)
    }

    /// A record without headers.
    func record() -> ByteBuffer {
        var fields = self
        var headers = Varint()
        var wire = Coder(writing: .init())
        wire(&fields, &headers)
        return wire.joined()
    }
}

/// A number of variable length, as records use it.
struct Varint: Field, Equatable {
    var value: Int64 = 0

    mutating func code(_ wire: inout Coder) { wire.varlong(&value) }
}

/// Bytes, or null, behind a length of variable length, as records use them.
struct VarBytes: Field {
    var bytes: ByteBuffer?

    mutating func code(_ wire: inout Coder) {
        var length = bytes.map { Int64($0.readableBytes) } ?? -1
        wire.varlong(&length)
        guard length >= 0 else { return bytes = nil }
        guard !wire.isReading || length <= Int64(wire.remaining) else { return wire.fail(.badRecord) }
        var content = bytes ?? ByteBuffer()
        wire.raw(&content, length: Int(length))
        bytes = content
    }
}
