/// The request of `TxnOffsetCommit`, versions 0 to 4.
struct TxnOffsetCommitRequest: RequestMessage {
    static let api = APIKey.txnOffsetCommit

    var transactionalID: String
    var groupID: String
    var producerID: Int64
    var producerEpoch: Int16
    var generationID: Int32 = -1
    var memberID: String = ""
    var groupInstanceID: String? = nil
    var topics: [Topic]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        transactionalID = try reader.string()
        groupID = try reader.string()
        producerID = try reader.int64()
        producerEpoch = try reader.int16()
        if version >= 3 { generationID = try reader.int32() }
        if version >= 3 { memberID = try reader.string() }
        if version >= 3 { groupInstanceID = try reader.nullableString() }
        topics = try reader.array { (reader) throws(WireError) in
            try Topic(from: &reader, version: version)
        }
        try reader.tags()
    }

    struct Topic {
        var name: String
        var partitions: [Partition]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            partitions = try reader.array { (reader) throws(WireError) in
                try Partition(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct Partition {
        var partitionIndex: Int32
        var committedOffset: Int64
        var committedLeaderEpoch: Int32 = -1
        var committedMetadata: String?

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            partitionIndex = try reader.int32()
            committedOffset = try reader.int64()
            if version >= 2 { committedLeaderEpoch = try reader.int32() }
            committedMetadata = try reader.nullableString()
            try reader.tags()
        }
    }
}
