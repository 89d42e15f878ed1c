internal import CLibRDKafka

/// A librdkafka event queue.
///
/// `@unchecked Sendable`: librdkafka locks its queues; one thread polls, any thread may wake it. Destroyed once, by the
/// thread that ends the client.
@safe final class EventQueue: @unchecked Sendable {
    let pointer: OpaquePointer
    private let context: ClientContext

    init(mainOf handle: ClientHandle) {
        unsafe pointer = rd_kafka_queue_get_main(handle.pointer)
        context = handle.context
    }

    init(newFor handle: ClientHandle) {
        unsafe pointer = rd_kafka_queue_new(handle.pointer)
        context = handle.context
    }

    /// Blocks until there is an event, ``wake()`` is called, or the time is up.
    func poll(atMost limit: Duration) -> Event? {
        unsafe rd_kafka_queue_poll(pointer, limit.wholeMilliseconds).map { unsafe Event($0, context) }
    }

    func wake() { unsafe rd_kafka_queue_yield(pointer) }

    func destroy() { unsafe rd_kafka_queue_destroy(pointer) }

    /// An event, freed with its messages when it goes out of scope.
    @safe struct Event: ~Copyable {
        let pointer: OpaquePointer
        private let context: ClientContext

        init(_ pointer: OpaquePointer, _ context: ClientContext) {
            unsafe self.pointer = pointer
            self.context = context
        }

        deinit { unsafe rd_kafka_event_destroy(pointer) }

        var type: Int32 { unsafe rd_kafka_event_type(pointer) }

        /// The JSON text of an event of statistics.
        var statistics: String? { unsafe rd_kafka_event_stats(pointer).map { unsafe String(cString: $0) } }

        var error: KafkaError {
            let code = unsafe KafkaError.Code(rd_kafka_event_error(pointer))
            let text = unsafe rd_kafka_event_error_string(pointer).map { unsafe String(cString: $0) }
            // librdkafka reads the flag without looking at what the event is (`rd_kafka_event_error_is_fatal` in
            // rdkafka_event.c). The answer to an administrative request is shorter than where that lies: what comes is
            // whatever memory lies behind it, if any does.
            let isFatal = unsafe type == RD_KAFKA_EVENT_ERROR && rd_kafka_event_error_is_fatal(pointer) != 0
            return context.explain(KafkaError(code, message: text, isFatal: isFatal))
        }
    }
}
