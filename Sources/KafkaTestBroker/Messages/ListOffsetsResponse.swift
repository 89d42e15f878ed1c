/// The response of `ListOffsets`, versions 1 to 11.
struct ListOffsetsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var topics: [ListOffsetsTopic] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 2 { writer.int32(throttleTimeMilliseconds) }
        writer.array(topics) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct ListOffsetsTopic {
        var name: String = ""
        var partitions: [ListOffsetsPartition] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(name)
            writer.array(partitions) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct ListOffsetsPartition {
        var partitionIndex: Int32 = 0
        var errorCode: KafkaErrorCode = .none
        var timestamp: Int64 = -1
        var offset: Int64 = -1
        var leaderEpoch: Int32 = -1

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int32(partitionIndex)
            writer.error(errorCode)
            writer.int64(timestamp)
            writer.int64(offset)
            if version >= 4 { writer.int32(leaderEpoch) }
            writer.tags()
        }
    }
}
