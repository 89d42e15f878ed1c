/// The response of `AddPartitionsToTxn`, versions 0 to 3.
struct AddPartitionsToTxnResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var resultsByTopic: [AddPartitionsToTxnTopicResult] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.array(resultsByTopic) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct AddPartitionsToTxnTopicResult {
        var name: String = ""
        var resultsByPartition: [AddPartitionsToTxnPartitionResult] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(name)
            writer.array(resultsByPartition) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct AddPartitionsToTxnPartitionResult {
        var partitionIndex: Int32 = 0
        var partitionErrorCode: KafkaErrorCode = .none

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int32(partitionIndex)
            writer.error(partitionErrorCode)
            writer.tags()
        }
    }
}
