/// The request of `InitProducerId`, versions 0 to 5.
struct InitProducerIDRequest: RequestMessage {
    static let api = APIKey.initProducerID

    var transactionalID: String?
    var transactionTimeoutMilliseconds: Int32
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        transactionalID = try reader.nullableString()
        transactionTimeoutMilliseconds = try reader.int32()
        if version >= 3 { producerID = try reader.int64() }
        if version >= 3 { producerEpoch = try reader.int16() }
        try reader.tags()
    }
}
