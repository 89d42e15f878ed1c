/// The request of `OffsetForLeaderEpoch`, versions 2 to 4.
struct OffsetForLeaderEpochRequest: RequestMessage {
    static let api = APIKey.offsetForLeaderEpoch

    var replicaID: Int32 = -2
    var topics: [OffsetForLeaderTopic]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        if version >= 3 { replicaID = try reader.int32() }
        topics = try reader.array { (reader) throws(WireError) in
            try OffsetForLeaderTopic(from: &reader, version: version)
        }
        try reader.tags()
    }

    struct OffsetForLeaderTopic {
        var topic: String
        var partitions: [OffsetForLeaderPartition]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            topic = try reader.string()
            partitions = try reader.array { (reader) throws(WireError) in
                try OffsetForLeaderPartition(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct OffsetForLeaderPartition {
        var partition: Int32
        var currentLeaderEpoch: Int32
        var leaderEpoch: Int32

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            partition = try reader.int32()
            currentLeaderEpoch = try reader.int32()
            leaderEpoch = try reader.int32()
            try reader.tags()
        }
    }
}
