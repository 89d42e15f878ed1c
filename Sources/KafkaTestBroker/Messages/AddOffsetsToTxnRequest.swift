/// The request of `AddOffsetsToTxn`, versions 0 to 4.
struct AddOffsetsToTxnRequest: RequestMessage {
    static let api = APIKey.addOffsetsToTxn

    var transactionalID: String
    var producerID: Int64
    var producerEpoch: Int16
    var groupID: String

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        transactionalID = try reader.string()
        producerID = try reader.int64()
        producerEpoch = try reader.int16()
        groupID = try reader.string()
        try reader.tags()
    }
}
