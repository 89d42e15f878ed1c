import Kafka

/// What to do about the failures of the records that a producer was given. A pure value.
enum FailureAssessment: Sendable, Equatable {
    /// Try again; nothing else is wrong.
    case again
    /// Brokers refuse everything until an operator changes something; try again now and then.
    case refused(KafkaError, entry: Entry)
    /// The record's topic refuses records until an operator changes something: it refused this one alone, too.
    case topic(KafkaError, entry: Entry)
    /// These may be what the broker rejects: send them alone to find out which.
    case isolate([Entry])
    /// This one was sent alone and rejected.
    case poison(KafkaError, entry: Entry)

    /// A record by its batch and its index there.
    struct Entry: Sendable, Hashable {
        let inFlight: Int
        let index: Int
    }

    struct Failure: Sendable {
        let entry: Entry
        /// The topic's index in the router.
        let topic: Int?
        let error: KafkaError
        /// Nothing else was under way when it was rejected.
        let wasAlone: Bool
    }

    /// A broker rejects requests as a whole, so one bad record makes others fail with it. Of several reasons the one
    /// that lasts longest counts: a record that is poison stays so, whatever else went wrong.
    static func judge(_ failures: [Failure]) -> FailureAssessment {
        let ofTopics = failures.filter(\.error.concernsTopic)
        let poison = failures.filter { $0.error.classification.kind == .poison && !$0.error.concernsTopic }
        if let alone = poison.first(where: \.wasAlone) { return .poison(alone.error, entry: alone.entry) }
        if !poison.isEmpty { return .isolate(poison.map(\.entry)) }
        if let alone = ofTopics.first(where: \.wasAlone) { return .topic(alone.error, entry: alone.entry) }
        if !ofTopics.isEmpty {
            // One of each topic shows whether it still refuses them.
            var seen: Set<Int?> = []
            return .isolate(ofTopics.filter { seen.insert($0.topic).inserted }.map(\.entry))
        }
        if let refused = failures.first(where: { $0.error.classification.kind == .refused }) {
            return .refused(refused.error, entry: refused.entry)
        }
        return .again
    }

    /// Its class, for the metrics.
    var retry: PublisherMetrics.Retry {
        switch self {
        case .again: .retry
        case .refused, .topic: .refused
        case .isolate, .poison: .poison
        }
    }
}
