/// The request of `OffsetCommit`, versions 1 to 10.
struct OffsetCommitRequest: RequestMessage {
    static let api = APIKey.offsetCommit

    var groupID: String
    var generationIDOrMemberEpoch: Int32
    var memberID: String
    var groupInstanceID: String? = nil
    var retentionTimeMilliseconds: Int64 = -1
    var topics: [Topic]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        groupID = try reader.string()
        generationIDOrMemberEpoch = try reader.int32()
        memberID = try reader.string()
        if version >= 7 { groupInstanceID = try reader.nullableString() }
        if (2...4).contains(version) { retentionTimeMilliseconds = try reader.int64() }
        topics = try reader.array { (reader) throws(WireError) in
            try Topic(from: &reader, version: version)
        }
        try reader.tags()
    }

    struct Topic {
        var name: String = ""
        var topicID: KafkaUUID = .zero
        var partitions: [Partition]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if version <= 9 { name = try reader.string() }
            if version >= 10 { topicID = try reader.uuid() }
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
        var commitTimestamp: Int64 = -1
        var committedMetadata: String?

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            partitionIndex = try reader.int32()
            committedOffset = try reader.int64()
            if version >= 6 { committedLeaderEpoch = try reader.int32() }
            if version == 1 { commitTimestamp = try reader.int64() }
            committedMetadata = try reader.nullableString()
            try reader.tags()
        }
    }
}
