package import EventSourcing
package import Kafka

/// How a publisher works.
package struct KafkaPublisherOptions: Sendable {
    /// The consumer's name; its checkpoints are kept under it.
    package var name: String
    package var scope: EventScope
    package var client: ClientConfiguration
    package var route: Route
    package var topics: TopicPolicy
    /// How the topics of dead letters and of the progress are made; `nil` as those of events, without compaction.
    package var auxiliaryTopics: TopicPolicy?
    /// Records above this size are poison before the client sees them; `nil` takes each topic's own limit.
    package var maximumRecordBytes: Int?
    package var onPoison: PoisonPolicy
    /// Where halts and parked events are noted; without, nothing can be parked.
    package var deadLetters: DeadLetterStore?
    /// How often to look what people have decided, while something halts or is parked.
    package var decisionInterval: Duration = .seconds(1)
    /// A producer that reports nothing for so long, while brokers are reached, is replaced.
    package var stallLimit: Duration
    /// After so long without any acknowledgement, while records are under way, delivery counts as stalled.
    package var stallNotice: Duration = .seconds(5)
    /// The longest pause between attempts to go on.
    package var longestPause: Duration
    /// Set where records are delivered exactly once, to readers of committed records.
    package var exactlyOnce: ExactlyOnceOptions?

    /// How often to look whether topics have got other numbers of partitions, while events come.
    package var partitionLookInterval: Duration = .seconds(60)

    /// Takes the client's statistics; called on the client's thread.
    package var onStatistics: (@Sendable (String) -> Void)?

    package init(
        name: String, scope: EventScope = .all, client: ClientConfiguration, route: Route,
        topics: TopicPolicy = .mustExist, maximumRecordBytes: Int? = nil, onPoison: PoisonPolicy = .halt,
        deadLetters: DeadLetterStore? = nil, stallLimit: Duration = .seconds(120), longestPause: Duration = .seconds(15)
    ) {
        self.name = name
        self.scope = scope
        self.client = client
        self.route = route
        self.topics = topics
        self.maximumRecordBytes = maximumRecordBytes
        self.onPoison = onPoison
        self.deadLetters = deadLetters
        self.stallLimit = stallLimit
        self.longestPause = longestPause
    }

    /// The topics that are known before the first event.
    package var fixedTopics: [TopicName] {
        guard case .deadLetterTopic(let topic) = onPoison else { return route.fixedTopics }
        return route.fixedTopics + [topic]
    }

    /// No record can be larger than that, whatever its topic allows: nothing but another configuration changes it.
    package var largestRecord: Int { maximumRecordBytes ?? clientLimit }

    /// Larger payloads need not be read, where topics take so many bytes: but what looks into a payload may decide, or leave little
    /// of it.
    package func largestPayload(_ limit: Int) -> Int {
        let looksInside =
            scope.filter.parts.contains(.payload) || route.projection != nil || route.placesByPayload
        return looksInside ? max(limit, EventFilter.largestPayload) : limit
    }

    /// What the client takes: what `message.max.bytes` says if it is set, and no more than its queue holds.
    private var clientLimit: Int {
        let most = client.properties["message.max.bytes"].flatMap { Int($0) } ?? .max
        let queue = client.properties["queue.buffering.max.kbytes"].flatMap { Int($0) } ?? 32_768
        return min(most, queue * 1_024)
    }

    /// The client's configuration, which leaves it to the topics how large a record may be, and makes no batch larger
    /// than all of them take.
    func producer(smallestLimit: Int) -> (client: ClientConfiguration, largestBatch: Int) {
        var client = client
        client.transactions = exactlyOnce.map {
            TransactionSettings(id: $0.transactionalID, timeout: $0.transactionTimeout)
        }
        if client.properties["message.max.bytes"] == nil { client.properties["message.max.bytes"] = "1000000000" }
        if client.properties["batch.size"] != nil { return (client, 0) }
        let largest = Self.largestBatch(smallestLimit: smallestLimit)
        client.properties["batch.size"] = "\(largest)"
        return (client, largest)
    }

    /// No more than the client's own default.
    static func largestBatch(smallestLimit: Int) -> Int { min(smallestLimit, 1_000_000) }

    var delivery: DeliveryState.Options {
        DeliveryState.Options(
            consumer: name, route: route, onPoison: onPoison, canPark: deadLetters != nil,
            maximumRecordBytes: maximumRecordBytes, clientLimit: clientLimit, longestPause: longestPause,
            stallNotice: stallNotice, partitionLookInterval: partitionLookInterval,
            transactionalID: exactlyOnce?.transactionalID, scope: scope)
    }
}
