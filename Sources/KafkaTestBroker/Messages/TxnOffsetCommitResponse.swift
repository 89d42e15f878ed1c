/// The response of `TxnOffsetCommit`, versions 0 to 4.
struct TxnOffsetCommitResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var topics: [Topic] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.array(topics) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct Topic {
        var name: String = ""
        var partitions: [Partition] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(name)
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
