internal import CLibRDKafka

/// The topics a producer has prepared, in the order of their handles' indices.
///
/// `@unchecked Sendable`: librdkafka's topic objects may be used from any thread; the producer destroys them only after
/// the last call that uses them.
@safe struct TopicPointers: @unchecked Sendable {
    private var pointers: [OpaquePointer] = unsafe []

    subscript(_ handle: TopicHandle) -> OpaquePointer { unsafe pointers[Int(handle.index)] }

    subscript(_ place: Int) -> OpaquePointer { unsafe pointers[place] }

    /// Returns the topic's index.
    mutating func append(_ topic: OpaquePointer) -> Int {
        unsafe pointers.append(topic)
        return unsafe pointers.count - 1
    }

    mutating func destroyAll() {
        unsafe pointers.forEach { unsafe rd_kafka_topic_destroy($0) }
        unsafe pointers.removeAll()
    }
}
