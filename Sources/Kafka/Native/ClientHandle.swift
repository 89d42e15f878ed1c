internal import CLibRDKafka

/// An `rd_kafka_t`, with the log sink that must outlive it.
///
/// `@unchecked Sendable`: librdkafka's client object may be used from any thread; whoever destroys it makes sure that
/// nobody else uses it any more.
@safe final class ClientHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    private let sink: LogSink

    init(_ pointer: OpaquePointer, sink: LogSink) {
        unsafe self.pointer = pointer
        self.sink = sink
    }

    /// Blocks until librdkafka's threads have ended. To be called once, and last.
    func destroy() {
        unsafe rd_kafka_destroy_flags(pointer, Int32(RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE))
    }
}
