internal import CLibRDKafka

/// The queue a consumer's partitions are fetched into.
///
/// `@unchecked Sendable`: librdkafka locks its queues. Destroyed once, before the consumer.
@safe final class ConsumerQueue: @unchecked Sendable {
    enum Item {
        case record(ConsumedRecord)
        /// Nothing follows for now; the offset is the one of the next record to come.
        case end(TopicPartition, offset: Int64)
        case error(KafkaError)
    }

    private let pointer: OpaquePointer

    init(newFor handle: ClientHandle) {
        unsafe pointer = rd_kafka_queue_new(handle.pointer)
    }

    func destroy() { unsafe rd_kafka_queue_destroy(pointer) }

    /// Starts fetching a partition into this queue.
    func start(_ topic: OpaquePointer, _ partition: Int32, at offset: Int64) -> KafkaError? {
        if unsafe rd_kafka_consume_start_queue(topic, partition, offset, pointer) == 0 { return nil }
        return KafkaError(response: rd_kafka_last_error(), context: "Reading partition \(partition)")
    }

    /// Waits for the first message and takes what is there, at most `count`. Blocks.
    func consume(atMost count: Int, within limit: Duration, _ body: (Item) -> Void) {
        // The batch call waits for a full batch, so the first one is fetched alone.
        var limit = limit
        for _ in 0..<count {
            guard let event = unsafe rd_kafka_consume_queue(pointer, limit.wholeMilliseconds) else { return }
            unsafe body(Self.item(event))
            unsafe rd_kafka_message_destroy(event)
            limit = .zero
        }
    }

    private static func item(_ pointer: UnsafeMutablePointer<rd_kafka_message_t>) -> Item {
        let message = unsafe pointer.pointee
        let topic = unsafe message.rkt.map { unsafe String(cString: rd_kafka_topic_name($0)) } ?? ""
        let code = unsafe KafkaError.Code(message.err)
        if code == .partitionEnd {
            return unsafe .end(TopicPartition(topic, message.partition), offset: message.offset)
        }
        if code != .none {
            let text = unsafe rd_kafka_message_errstr(pointer).map { unsafe String(cString: $0) }
            return .error(KafkaError(code, message: text))
        }
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let time = unsafe rd_kafka_message_timestamp(pointer, &kind)
        return unsafe .record(
            ConsumedRecord(
                topic: topic, partition: message.partition, offset: message.offset,
                timestamp: kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : time,
                key: bytes(message.key, message.key_len), value: bytes(message.payload, message.len),
                headers: headers(of: pointer)))
    }

    private static func headers(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> [ConsumedRecord.Header] {
        var list: OpaquePointer?
        guard unsafe rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR else { return [] }
        var headers: [ConsumedRecord.Header] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var count = 0
        while unsafe rd_kafka_header_get_all(list, headers.count, &name, &value, &count) == RD_KAFKA_RESP_ERR_NO_ERROR {
            let text = unsafe name.map { unsafe String(cString: $0) } ?? ""
            headers.append(unsafe ConsumedRecord.Header(name: text, value: bytes(value, count)))
        }
        return headers
    }

    private static func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> [UInt8]? {
        guard let start = unsafe start else { return nil }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
