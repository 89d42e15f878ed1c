internal import CLibRDKafka

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

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
    private let extract: RecordExtract

    init(newFor handle: ClientHandle, _ extract: RecordExtract) {
        self.extract = extract
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
            unsafe body(item(event))
            unsafe rd_kafka_message_destroy(event)
            limit = .zero
        }
    }

    private func item(_ pointer: UnsafeMutablePointer<rd_kafka_message_t>) -> Item {
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
        let (headers, needsValue) = unsafe headers(of: pointer)
        return unsafe .record(
            ConsumedRecord(
                topic: topic, partition: message.partition, offset: message.offset,
                timestamp: kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : time,
                key: extract.hasKey ? Self.bytes(message.key, message.key_len) : nil,
                value: needsValue ? Self.bytes(message.payload, message.len) : nil, headers: headers))
    }

    /// The headers that are wanted, and whether the value is.
    private func headers(
        of message: UnsafeMutablePointer<rd_kafka_message_t>
    ) -> (headers: [ConsumedRecord.Header], needsValue: Bool) {
        var list: OpaquePointer?
        guard unsafe rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR else { return ([], true) }
        var headers: [ConsumedRecord.Header] = []
        var needsValue = true
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var (index, count) = (0, 0)
        while unsafe rd_kafka_header_get_all(list, index, &name, &value, &count) == RD_KAFKA_RESP_ERR_NO_ERROR {
            index += 1
            guard let name = unsafe name else { continue }
            if let wanted = extract.headers {
                guard let place = wanted.firstIndex(where: { unsafe strcmp($0.characters, name) == 0 }) else {
                    continue
                }
                if place < extract.valueUnless { needsValue = false }
                headers.append(unsafe ConsumedRecord.Header(name: wanted[place].text, value: Self.bytes(value, count)))
            } else {
                headers.append(
                    unsafe ConsumedRecord.Header(name: String(cString: name), value: Self.bytes(value, count)))
            }
        }
        return (headers, needsValue)
    }

    private static func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> [UInt8]? {
        guard let start = unsafe start else { return nil }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
