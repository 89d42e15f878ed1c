import NIOCore

/// The records inside a batch, for the few occasions that need them: times, keys, compaction.
struct RecordSet {
    struct Record {
        let offset: Int64
        let timestamp: Int64
        let key: ByteBuffer?
        let value: ByteBuffer?
        /// The record as it stands, without its length.
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
        var reader = WireReader(payload)
        var records: [Record] = []
        for _ in 0..<header.recordCount {
            let length = try reader.varlong()
            guard length >= 0, length <= Int64(reader.remaining) else { throw .badRecord }
            records.append(try record(try reader.slice(Int(length))))
        }
        guard reader.remaining == 0 else { throw .badRecord }
        return records
    }

    private func record(_ body: ByteBuffer) throws(WireError) -> Record {
        var reader = WireReader(body)
        _ = try reader.int8()
        let timestampDelta = try reader.varlong()
        let offsetDelta = try reader.varlong()
        let key = try field(&reader)
        let value = try field(&reader)
        return Record(
            offset: header.baseOffset &+ offsetDelta, timestamp: header.baseTimestamp &+ timestampDelta, key: key,
            value: value, body: body)
    }

    private func field(_ reader: inout WireReader) throws(WireError) -> ByteBuffer? {
        let length = try reader.varlong()
        if length < 0 { return nil }
        guard length <= Int64(reader.remaining) else { throw .badRecord }
        return try reader.slice(Int(length))
    }
}
