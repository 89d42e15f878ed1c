internal import CLibRDKafka
internal import Logging
internal import Synchronization

/// librdkafka as a producer's client.
final class LibrdkafkaClient: ProducingClient {
    private struct Topics {
        var places: [String: Int] = [:]
        var pointers = TopicPointers()
    }

    let handle: ClientHandle
    private let queue: EventQueue
    private let topics = Mutex(Topics())

    init(_ configuration: ClientConfiguration, logger: Logger) throws(KafkaError) {
        let configuration = configuration.withCurrentSecrets
        handle = try NativeConfiguration(producer: configuration)
            .makeClient(RD_KAFKA_PRODUCER, configuration, sink: LogSink(logger))
        queue = EventQueue(mainOf: handle)
    }

    // MARK: Records

    func makeWriter() -> RecordWriter { RecordWriter(topics: topics.withLock { $0.pointers }) }

    func take(_ record: inout RecordWriter) -> KafkaError? { unsafe record.send(to: handle.pointer) }

    var queueLength: Int { unsafe Int(rd_kafka_outq_len(handle.pointer)) }

    func purge(waits: Bool) {
        let flags = RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | (waits ? 0 : RD_KAFKA_PURGE_F_NON_BLOCKING)
        unsafe rd_kafka_purge(handle.pointer, Int32(flags))
    }

    func flush(within limit: Duration) -> Bool {
        unsafe rd_kafka_flush(handle.pointer, limit.wholeMilliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR
    }

    // MARK: Events

    func wake() { queue.wake() }

    func poll(atMost limit: Duration, into reports: inout [Report]) -> ClientEvent? {
        guard let event = queue.poll(atMost: limit) else { return nil }
        let type = event.type
        if type == RD_KAFKA_EVENT_DR { return .reports(bytes: Self.read(event, into: &reports)) }
        if type == RD_KAFKA_EVENT_ERROR { return .error(event.error) }
        if type == RD_KAFKA_EVENT_STATS, let statistics = event.statistics { return .statistics(statistics) }
        return .other
    }

    private static func read(_ event: borrowing EventQueue.Event, into reports: inout [Report]) -> Int {
        var bytes = 0
        unsafe reports.reserveCapacity(reports.count + rd_kafka_event_message_count(event.pointer))
        while let message = unsafe rd_kafka_event_message_next(event.pointer) {
            let message = unsafe message.pointee
            bytes += unsafe message.len + message.key_len
            reports.append(
                unsafe Report(
                    opaque: UInt(bitPattern: message._private), offset: message.offset, partition: message.partition,
                    code: message.err.rawValue))
        }
        return bytes
    }

    var fatalError: KafkaError? {
        var text = [CChar](repeating: 0, count: 512)
        let code = unsafe KafkaError.Code(rd_kafka_fatal_error(handle.pointer, &text, text.count))
        guard code != .none else { return nil }
        return KafkaError(code, message: String(nulTerminated: text), isRetriable: false, isFatal: true)
    }

    // MARK: Topics

    func keep(topic name: String) -> Result<Int, KafkaError> {
        if let place = topics.withLock({ $0.places[name] }) { return .success(place) }
        guard let topic = unsafe rd_kafka_topic_new(handle.pointer, name, nil) else {
            return .failure(KafkaError(response: rd_kafka_last_error(), context: "Topic `\(name)`"))
        }
        let (place, isDouble) = topics.withLock { topics -> (Int, Bool) in
            if let place = topics.places[name] { return (place, true) }
            let place = unsafe topics.pointers.append(topic)
            topics.places[name] = place
            return (place, false)
        }
        // A second reference to the same topic.
        if isDouble { unsafe rd_kafka_topic_destroy(topic) }
        return .success(place)
    }

    func metadata(ofTopicAt place: Int?, within limit: Duration) -> Result<[String: TopicMetadata], KafkaError> {
        let topic = unsafe place.map { place in unsafe topics.withLock { unsafe $0.pointers[place] } }
        return unsafe handle.metadata(of: topic, within: limit)
    }

    /// In the order librdkafka needs: topics, queue, client.
    func end() {
        topics.withLock { $0.pointers.destroyAll() }
        queue.destroy()
        handle.destroy()
    }
}
