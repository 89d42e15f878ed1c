/// The request of `ListOffsets`, versions 1 to 11.
struct ListOffsetsRequest: RequestMessage {
    static let api = APIKey.listOffsets

    var replicaID: Int32
    var isolationLevel: Int8 = 0
    var topics: [ListOffsetsTopic]
    var timeoutMilliseconds: Int32 = 0

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        replicaID = try reader.int32()
        if version >= 2 { isolationLevel = try reader.int8() }
        topics = try reader.array { (reader) throws(WireError) in
            try ListOffsetsTopic(from: &reader, version: version)
        }
        if version >= 10 { timeoutMilliseconds = try reader.int32() }
        try reader.tags()
    }

    struct ListOffsetsTopic {
        var name: String
        var partitions: [ListOffsetsPartition]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            partitions = try reader.array { (reader) throws(WireError) in
                try ListOffsetsPartition(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct ListOffsetsPartition {
        var partitionIndex: Int32
        var currentLeaderEpoch: Int32 = -1
        var timestamp: Int64

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            partitionIndex = try reader.int32()
            if version >= 4 { currentLeaderEpoch = try reader.int32() }
            timestamp = try reader.int64()
            try reader.tags()
        }
    }
}
