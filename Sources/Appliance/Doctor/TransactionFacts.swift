import KafkaBridge

/// What consumers that deliver exactly once are to use of a cluster.
struct TransactionPlan: Sendable, Equatable {
    let idPrefix: String
    let timeout: Duration
    let consumers: [String]
    /// The topics of the progress, with the segments that each is for.
    let progressTopics: [TopicName: Int]

    init?(_ configuration: Configuration) {
        idPrefix = configuration.kafka.transactionalIDPrefix
        timeout = configuration.kafka.transactionTimeout
        var consumers: [String] = []
        var topics: [TopicName: Int] = [:]
        for consumer in configuration.consumers {
            guard case .exactlyOnce(let topic) = consumer.delivery else { continue }
            consumers.append(consumer.name)
            topics[topic] = max(topics[topic] ?? 0, consumer.totalSegments)
        }
        if consumers.isEmpty { return nil }
        (self.consumers, progressTopics) = (consumers, topics)
    }

    init(idPrefix: String, timeout: Duration, consumers: [String], progressTopics: [TopicName: Int]) {
        self.idPrefix = idPrefix
        self.timeout = timeout
        self.consumers = consumers
        self.progressTopics = progressTopics
    }
}

/// What is the case with a cluster's transactions, as far as it could be found out.
struct TransactionFacts: Sendable, Equatable {
    /// What came of taking a throw-away transactional id.
    enum Trial: Sendable, Equatable {
        case possible
        /// The consumers whose ids this user may not use.
        case forbidden([String])
        /// `kafka.transaction_timeout` is longer than brokers allow.
        case timeoutTooLong
        case unsupported(String)
        /// For another reason.
        case refused(String)
        /// No answer in time, with the last thing that was in the way.
        case unanswered(String)
    }

    struct Broker: Sendable, Equatable {
        var id: Int32
        /// Nil where the settings may not be read.
        var settings: [String: String]?
    }

    var brokerCount = 1
    /// Nil where it was not tried.
    var trial: Trial?
    var progress: [KafkaFacts.Topic] = []
    var brokers: [Broker] = []
    /// `__transaction_state`, as far as this user may see it.
    var state = KafkaFacts.Topic(name: "__transaction_state", access: .absent)
}
