internal import CLibRDKafka

/// An `rd_kafka_t`, with the context of its callbacks, which must outlive it.
///
/// `@unchecked Sendable`: librdkafka's client object may be used from any thread; the caller that destroys it makes sure that
/// nobody else uses it any more.
@safe final class ClientHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    let context: ClientContext

    init(_ pointer: OpaquePointer, context: ClientContext) {
        unsafe self.pointer = pointer
        self.context = context
    }

    /// Blocks until librdkafka's threads have ended. To be called once, and last.
    func destroy() {
        context.end()
        // The client itself held the context, so that one that nobody closed calls into no freed memory.
        defer { unsafe Unmanaged.passUnretained(context).release() }
        unsafe rd_kafka_destroy_flags(pointer, Int32(RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE))
    }
}
