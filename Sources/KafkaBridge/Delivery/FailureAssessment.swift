import Kafka

/// What to do about a run that ended, from the codes of the records that failed. A pure value.
enum FailureAssessment: Sendable, Equatable {
    /// Try again; nothing else is the matter.
    case again
    /// Somebody has to mend something; try again now and then.
    case mend(KafkaError, entry: Entry)
    /// These may be what the broker rejects: send them alone to find out which.
    case isolate([Entry])
    /// This one was sent alone and rejected.
    case poison(KafkaError, entry: Entry)

    /// A record by its inFlight and its index there.
    struct Entry: Sendable, Hashable {
        let inFlight: Int
        let index: Int
    }

    struct Failure: Sendable {
        let entry: Entry
        let error: KafkaError
        /// Nothing else was under way when it was rejected.
        let wasAlone: Bool
    }

    /// A broker rejects requests as a whole, so one bad record makes others fail with it. Of several reasons the one
    /// that lasts longest counts: a record that is poison stays so, whatever else went wrong.
    static func judge(_ failures: [Failure]) -> FailureAssessment {
        let poison = failures.filter { $0.error.classification.kind == .poison }
        if let alone = poison.first(where: \.wasAlone) { return .poison(alone.error, entry: alone.entry) }
        if !poison.isEmpty { return .isolate(poison.map(\.entry)) }
        if let refused = failures.first(where: { $0.error.classification.kind == .refused }) {
            return .mend(refused.error, entry: refused.entry)
        }
        return .again
    }
}
