internal import CLibRDKafka

/// Transactions. Each call blocks until it is answered or the time is up; one at a time.
extension LibrdkafkaClient {
    func initializeTransactions(within limit: Duration) -> KafkaError? {
        unsafe Self.error(rd_kafka_init_transactions(handle.pointer, limit.wholeMilliseconds))
    }

    /// Local: brokers hear of a transaction with its first record.
    func beginTransaction() -> KafkaError? { unsafe Self.error(rd_kafka_begin_transaction(handle.pointer)) }

    /// Waits until everything that was taken is acknowledged, which needs the events to be polled by another thread.
    func commitTransaction(within limit: Duration) -> KafkaError? {
        unsafe Self.error(rd_kafka_commit_transaction(handle.pointer, limit.wholeMilliseconds))
    }

    func abortTransaction(within limit: Duration) -> KafkaError? {
        unsafe Self.error(rd_kafka_abort_transaction(handle.pointer, limit.wholeMilliseconds))
    }

    private static func error(_ native: OpaquePointer?) -> KafkaError? {
        unsafe native.map { unsafe KafkaError(consuming: $0) }
    }
}
