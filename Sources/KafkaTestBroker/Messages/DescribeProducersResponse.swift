/// The response of `DescribeProducers`, versions 0 to 0.
struct DescribeProducersResponse: ThrottledResponse {
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
        var errorMessage: String? = nil
        var activeProducers: [ProducerState] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int32(partitionIndex)
            writer.error(errorCode)
            writer.string(errorMessage)
            writer.array(activeProducers) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct ProducerState {
        var producerID: Int64 = 0
        var producerEpoch: Int32 = 0
        var lastSequence: Int32 = -1
        var lastTimestamp: Int64 = -1
        var coordinatorEpoch: Int32 = 0
        var currentTxnStartOffset: Int64 = -1

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int64(producerID)
            writer.int32(producerEpoch)
            writer.int32(lastSequence)
            writer.int64(lastTimestamp)
            writer.int32(coordinatorEpoch)
            writer.int64(currentTxnStartOffset)
            writer.tags()
        }
    }
}
