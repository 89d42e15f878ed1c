internal import CLibRDKafka

/// A librdkafka event queue.
///
/// `@unchecked Sendable`: librdkafka locks its queues; one thread polls, any thread may wake it. Destroyed once, by the
/// thread that ends the client.
@safe final class EventQueue: @unchecked Sendable {
    let pointer: OpaquePointer

    init(mainOf handle: ClientHandle) {
        unsafe pointer = rd_kafka_queue_get_main(handle.pointer)
    }

    init(newFor handle: ClientHandle) {
        unsafe pointer = rd_kafka_queue_new(handle.pointer)
    }

    /// Blocks until there is an event, somebody calls ``wake()``, or the time is up.
    func poll(atMost limit: Duration) -> Event? {
        unsafe rd_kafka_queue_poll(pointer, limit.wholeMilliseconds).map { unsafe Event($0) }
    }

    func wake() { unsafe rd_kafka_queue_yield(pointer) }

    func destroy() { unsafe rd_kafka_queue_destroy(pointer) }

    /// An event, freed with its messages when it goes out of scope.
    @safe struct Event: ~Copyable {
        let pointer: OpaquePointer

        init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

        deinit { unsafe rd_kafka_event_destroy(pointer) }

        var type: Int32 { unsafe rd_kafka_event_type(pointer) }

        var error: KafkaError {
            let code = unsafe KafkaError.Code(rd_kafka_event_error(pointer))
            let text = unsafe rd_kafka_event_error_string(pointer).map { unsafe String(cString: $0) }
            return unsafe KafkaError(code, message: text, isFatal: rd_kafka_event_error_is_fatal(pointer) != 0)
        }
    }
}
