/// What a producer needs of a client library: librdkafka's, or one that a test makes up.
///
/// Every call may come from any thread, but that one thread polls. Nothing is called after ``end()``.
protocol ProducingClient: AnyObject, Sendable {
    /// A writer for records that are handed to this client.
    func makeWriter() -> RecordWriter

    /// Takes a record, or says why not: ``KafkaError/Code/queueFull`` when there is no room for it now. Does not block.
    func take(_ record: inout RecordWriter) -> KafkaError?

    /// Records taken and not reported.
    var queueLength: Int { get }

    /// Blocks until there is an event, ``wake()`` is called, or the time is up. Appends to `reports` what an event
    /// reports, and holds nothing of their records any more when it returns.
    func poll(atMost limit: Duration, into reports: inout [Report]) -> ClientEvent?

    func wake()

    /// What ended the instance for good, if something has.
    var fatalError: KafkaError? { get }

    /// Reports everything that is not acknowledged as failed.
    ///
    /// - Parameter waits: Blocks until that has been done.
    func purge(waits: Bool)

    /// Blocks until everything taken is reported; false when the time is up first. What lingers is sent meanwhile.
    func flush(within limit: Duration) -> Bool

    /// Makes a topic known to the client, and gives its place among those it knows.
    func keep(topic name: String) -> Result<Int, KafkaError>

    /// Asks some broker about the topic of a place, or about all that the client knows. Blocks.
    func metadata(ofTopicAt place: Int?, within limit: Duration) -> Result<[String: TopicMetadata], KafkaError>

    /// Ends the client and what belongs to it. Blocks. To be called once, and last.
    func end()
}

/// What a client says while it is polled.
enum ClientEvent: Sendable {
    /// Records were reported, so many bytes of keys and values.
    case reports(bytes: Int)
    case error(KafkaError)
    /// A JSON text.
    case statistics(String)
    case other
}

/// What became of one record, as the client says it.
struct Report: Sendable {
    let offset: Int64
    /// The batch's slot and the record's index in it.
    let slot: UInt32
    let index: UInt32
    let partition: Int32
    /// 0 for a record that is in the log.
    let code: Int32

    init(opaque: UInt, offset: Int64, partition: Int32, code: Int32) {
        let parts = BatchSlots.parts(of: opaque)
        (slot, index) = (parts.slot, UInt32(truncatingIfNeeded: parts.index))
        (self.offset, self.partition, self.code) = (offset, partition, code)
    }
}
