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
    /// Records above this size are poison before the client sees them; `nil` takes each topic's own limit.
    package var maximumRecordBytes: Int?
    package var onPoison: PoisonPolicy
    /// Where halts and parked events are noted; without, nothing can be parked.
    package var deadLetters: DeadLetterStore?
    /// How often to look what people have decided, while something halts or is parked.
    package var decisionInterval: Duration = .seconds(1)
    /// A producer that reports nothing for so long, while brokers are reached, is replaced.
    package var stallLimit: Duration
    /// The longest pause between attempts to go on.
    package var longestPause: Duration

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
}
