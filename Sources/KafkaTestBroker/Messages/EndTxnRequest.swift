/// The request of `EndTxn`, versions 0 to 4.
struct EndTxnRequest: RequestMessage {
    static let api = APIKey.endTxn

    var transactionalID: String
    var producerID: Int64
    var producerEpoch: Int16
    var committed: Bool

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        transactionalID = try reader.string()
        producerID = try reader.int64()
        producerEpoch = try reader.int16()
        committed = try reader.bool()
        try reader.tags()
    }
}
