/// The request of `AddPartitionsToTxn`, versions 0 to 3.
struct AddPartitionsToTxnRequest: RequestMessage {
    static let api = APIKey.addPartitionsToTxn

    var transactionalID: String
    var producerID: Int64
    var producerEpoch: Int16
    var topics: [AddPartitionsToTxnTopic]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        transactionalID = try reader.string()
        producerID = try reader.int64()
        producerEpoch = try reader.int16()
        topics = try reader.array { (reader) throws(WireError) in
            try AddPartitionsToTxnTopic(from: &reader, version: version)
        }
        try reader.tags()
    }

    struct AddPartitionsToTxnTopic {
        var name: String
        var partitions: [Int32]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            partitions = try reader.int32Array()
            try reader.tags()
        }
    }
}
