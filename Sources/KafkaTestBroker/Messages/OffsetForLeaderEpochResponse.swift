/// The response of `OffsetForLeaderEpoch`, versions 2 to 4.
struct OffsetForLeaderEpochResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var topics: [OffsetForLeaderTopicResult] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.array(topics) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct OffsetForLeaderTopicResult {
        var topic: String = ""
        var partitions: [EpochEndOffset] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(topic)
            writer.array(partitions) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct EpochEndOffset {
        var errorCode: KafkaErrorCode = .none
        var partition: Int32 = 0
        var leaderEpoch: Int32 = -1
        var endOffset: Int64 = -1

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.error(errorCode)
            writer.int32(partition)
            writer.int32(leaderEpoch)
            writer.int64(endOffset)
            writer.tags()
        }
    }
}
