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
    /// Records above this size are poison before the client sees them; has to fit `message.max.bytes` of client and
    /// topics.
    package var maximumRecordBytes: Int
    /// A producer that reports nothing for so long, while brokers are reached, is replaced.
    package var stallLimit: Duration
    /// The longest pause between attempts to go on.
    package var longestPause: Duration

    /// Takes the client's statistics; called on the client's thread.
    package var onStatistics: (@Sendable (String) -> Void)?

    package init(
        name: String, scope: EventScope = .all, client: ClientConfiguration, route: Route,
        topics: TopicPolicy = .mustExist, maximumRecordBytes: Int = 1_000_000,
        stallLimit: Duration = .seconds(120), longestPause: Duration = .seconds(15)
    ) {
        self.name = name
        self.scope = scope
        self.client = client
        self.route = route
        self.topics = topics
        self.maximumRecordBytes = maximumRecordBytes
        self.stallLimit = stallLimit
        self.longestPause = longestPause
    }
}
