/// The response of `OffsetFetch`, versions 1 to 10.
struct OffsetFetchResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var topics: [Topic] = []
    var errorCode: KafkaErrorCode = .none
    var groups: [Group] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 3 { writer.int32(throttleTimeMilliseconds) }
        if version <= 7 { writer.array(topics) { writer, item in item.encode(to: &writer, version: version) } }
        if (2...7).contains(version) { writer.error(errorCode) }
        if version >= 8 { writer.array(groups) { writer, item in item.encode(to: &writer, version: version) } }
        writer.tags()
    }

    struct Topic {
        var name: String = ""
        var partitions: [Partition] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            if version <= 7 { writer.string(name) }
            if version <= 7 { writer.array(partitions) { writer, item in item.encode(to: &writer, version: version) } }
            writer.tags()
        }
    }

    struct Partition {
        var partitionIndex: Int32 = 0
        var committedOffset: Int64 = 0
        var committedLeaderEpoch: Int32 = -1
        var metadata: String? = nil
        var errorCode: KafkaErrorCode = .none

        func encode(to writer: inout WireWriter, version: Int16) {
            if version <= 7 { writer.int32(partitionIndex) }
            if version <= 7 { writer.int64(committedOffset) }
            if (5...7).contains(version) { writer.int32(committedLeaderEpoch) }
            if version <= 7 { writer.string(metadata) }
            if version <= 7 { writer.error(errorCode) }
            writer.tags()
        }
    }

    struct Group {
        var groupID: String = ""
        var topics: [Topics] = []
        var errorCode: KafkaErrorCode = .none

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 8 { writer.string(groupID) }
            if version >= 8 { writer.array(topics) { writer, item in item.encode(to: &writer, version: version) } }
            if version >= 8 { writer.error(errorCode) }
            writer.tags()
        }
    }

    struct Topics {
        var name: String = ""
        var topicID: KafkaUUID = .zero
        var partitions: [Partitions] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            if (8...9).contains(version) { writer.string(name) }
            if version >= 10 { writer.uuid(topicID) }
            if version >= 8 { writer.array(partitions) { writer, item in item.encode(to: &writer, version: version) } }
            writer.tags()
        }
    }

    struct Partitions {
        var partitionIndex: Int32 = 0
        var committedOffset: Int64 = 0
        var committedLeaderEpoch: Int32 = -1
        var metadata: String? = nil
        var errorCode: KafkaErrorCode = .none

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 8 { writer.int32(partitionIndex) }
            if version >= 8 { writer.int64(committedOffset) }
            if version >= 8 { writer.int32(committedLeaderEpoch) }
            if version >= 8 { writer.string(metadata) }
            if version >= 8 { writer.error(errorCode) }
            writer.tags()
        }
    }
}
