/// The response of `DeleteRecords`, versions 0 to 2.
struct DeleteRecordsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var topics: [DeleteRecordsTopicResult] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.array(topics) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct DeleteRecordsTopicResult {
        var name: String = ""
        var partitions: [DeleteRecordsPartitionResult] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(name)
            writer.array(partitions) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct DeleteRecordsPartitionResult {
        var partitionIndex: Int32 = 0
        var lowWatermark: Int64 = 0
        var errorCode: KafkaErrorCode = .none

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int32(partitionIndex)
            writer.int64(lowWatermark)
            writer.error(errorCode)
            writer.tags()
        }
    }
}
