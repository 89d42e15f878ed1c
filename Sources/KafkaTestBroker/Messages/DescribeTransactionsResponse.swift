/// The response of `DescribeTransactions`, versions 0 to 0.
struct DescribeTransactionsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var transactionStates: [TransactionState] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.array(transactionStates) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct TransactionState {
        var errorCode: KafkaErrorCode = .none
        var transactionalID: String = ""
        var transactionState: String = ""
        var transactionTimeoutMilliseconds: Int32 = 0
        var transactionStartTimeMilliseconds: Int64 = 0
        var producerID: Int64 = 0
        var producerEpoch: Int16 = 0
        var topics: [TopicData] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.error(errorCode)
            writer.string(transactionalID)
            writer.string(transactionState)
            writer.int32(transactionTimeoutMilliseconds)
            writer.int64(transactionStartTimeMilliseconds)
            writer.int64(producerID)
            writer.int16(producerEpoch)
            writer.array(topics) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct TopicData {
        var topic: String = ""
        var partitions: [Int32] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(topic)
            writer.int32Array(partitions)
            writer.tags()
        }
    }
}
