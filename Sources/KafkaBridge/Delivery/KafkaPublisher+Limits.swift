package import Consumers
import EventSourcing
import Kafka
import Logging
import Synchronization

/// How large a record may be.
extension KafkaPublisher {
    /// What a topic allows of which nothing is known: what brokers and clients allow by themselves.
    private static let usual = 1_000_000

    func knowsLimit(of topic: Int) -> Bool { options.maximumRecordBytes != nil || limits[topic] != nil }

    /// The largest record for a topic: what is configured, else what the topic, the client and its queue allow.
    func limit(of topic: Int) -> Int { options.maximumRecordBytes ?? limits[topic] ?? Self.usual }

    /// Asks the brokers for what is not known of the topics' limits.
    func learnLimits(of topics: [Int]) async throws(KafkaError) {
        let unknown = topics.filter { !knowsLimit(of: $0) }
        if unknown.isEmpty { return }
        let names = unknown.map { router.topics[$0].description }
        let found = try await preparation.limits(of: names)
        for (topic, limit) in zip(unknown, found) {
            if limit == nil, !saysUnknownLimits {
                saysUnknownLimits = true
                logger.notice(
                    """
                    the topic's max.message.bytes cannot be read: records may take \(Self.usual) bytes; grant \
                    DescribeConfigs on the topic, or set kafka.max_record_bytes
                    """, metadata: ["topic": "\(router.topics[topic])"])
            }
            limits[topic] = min(limit ?? Self.usual, options.clientLimit)
        }
        let largest = min(options.largestRecord, limits.all.max() ?? .max)
        largestTaken.store(largest, ordering: .relaxed)
        smallestLimit = limits.all.min() ?? .max
        // A broker would reject such a producer's batches whole, and each record would have to go alone.
        if let run, smallestLimit < run.largestBatch { self.run?.isSealed = true }
    }
}

extension KafkaPublisher {
    package nonisolated var largestPayload: Int { largestTaken.load(ordering: .relaxed) }

    package nonisolated func memory(of batch: FeedBatch) -> Int {
        let constant = batch.selection.count * memoryPerEvent
        // Where events are small, their texts are within the constant part.
        guard let events = batch.events, batch.memorySize > batch.selection.count * Self.usualRow || copiesValues else {
            return constant
        }
        let takesMetadata = !options.route.metadataHeaders.isEmpty
        return batch.selection.reduce(constant) { sum, selected in
            let event = events[selected.index]
            let metadata = takesMetadata ? min(event.metadata.byteCount, MetadataHeaders.maximumTotalBytes) : 0
            // A structured value is made, and then copied for the client.
            return sum + 2 * event.textLength + metadata + (copiesValues ? 2 * event.payload.byteCount : 0)
        }
    }

    /// The memory of a row whose texts are short.
    private static let usualRow = 4_096

    private nonisolated var copiesValues: Bool {
        if case .cloudEventsStructured = options.route.format { true } else { false }
    }
}

extension KafkaPublisherOptions {
    /// No record can be larger than that, whatever its topic allows: nothing but another configuration changes it.
    package var largestRecord: Int { maximumRecordBytes ?? clientLimit }

    /// What the client takes: what `message.max.bytes` says if it is set, and no more than its queue holds.
    fileprivate var clientLimit: Int {
        let most = client.properties["message.max.bytes"].flatMap { Int($0) } ?? .max
        let queue = client.properties["queue.buffering.max.kbytes"].flatMap { Int($0) } ?? 32_768
        return min(most, queue * 1_024)
    }

    /// The client's configuration, which leaves it to the topics how large a record may be, and makes no batch larger
    /// than all of them take.
    func producer(smallestLimit: Int) -> (client: ClientConfiguration, largestBatch: Int) {
        var client = client
        if client.properties["message.max.bytes"] == nil { client.properties["message.max.bytes"] = "1000000000" }
        if client.properties["batch.size"] != nil { return (client, 0) }
        // The client's own default.
        let largest = min(smallestLimit, 1_000_000)
        client.properties["batch.size"] = "\(largest)"
        return (client, largest)
    }
}
