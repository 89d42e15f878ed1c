/// The response of `ListTransactions`, versions 0 to 1.
struct ListTransactionsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none
    var unknownStateFilters: [String] = []
    var transactionStates: [TransactionState] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.error(errorCode)
        writer.array(unknownStateFilters) { writer, item in writer.string(item) }
        writer.array(transactionStates) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct TransactionState {
        var transactionalID: String = ""
        var producerID: Int64 = 0
        var transactionState: String = ""

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(transactionalID)
            writer.int64(producerID)
            writer.string(transactionState)
            writer.tags()
        }
    }
}
