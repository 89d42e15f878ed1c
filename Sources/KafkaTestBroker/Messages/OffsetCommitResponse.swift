/// The response of `OffsetCommit`, versions 1 to 10.
struct OffsetCommitResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var topics: [Topic] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 3 { writer.int32(throttleTimeMilliseconds) }
        writer.array(topics) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct Topic {
        var name: String = ""
        var topicID: KafkaUUID = .zero
        var partitions: [Partition] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            if version <= 9 { writer.string(name) }
            if version >= 10 { writer.uuid(topicID) }
            writer.array(partitions) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct Partition {
        var partitionIndex: Int32 = 0
        var errorCode: KafkaErrorCode = .none

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int32(partitionIndex)
            writer.error(errorCode)
            writer.tags()
        }
    }
}
