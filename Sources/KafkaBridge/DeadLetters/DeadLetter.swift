package import EventSourcing
package import FoundationEssentials

/// An event that a consumer could not deliver, and what became of it: a row of the table `dead_letters`.
package struct DeadLetter: Sendable, Hashable {
    package enum State: String, Sendable, CaseIterable {
        /// Its segment halts right before it.
        case halted
        /// It was set aside, and the later events of its aggregate wait behind it.
        case parked
        /// A relay is delivering it again.
        case redriving
        /// It was delivered after all.
        case redriven
        /// An operator decided that it is not to be delivered.
        case discarded

        /// Whether something is still to be done about it.
        package var isOpen: Bool { self == .halted || self == .parked || self == .redriving }
    }

    package enum Reason: String, Sendable, CaseIterable {
        /// The route makes no topic of it.
        case noTopic = "no_topic"
        /// Its record is larger than the topic allows.
        case tooLarge = "too_large"
        /// Its row holds what no record can carry: text that is not UTF-8, or NULL where a value belongs.
        case malformed
        /// No record can be made of it as the consumer's configuration asks for it.
        case record
        /// The broker rejected it, sent alone.
        case rejected
        /// It waits behind an earlier event of its aggregate.
        case follows
        /// It was to be delivered again, and is no longer in the store.
        case missing
        /// Too many are parked already for one more.
        case tooMany = "too_many"
    }

    package let consumer: String
    package let position: Int64
    package let segment: Int
    package let eventID: UUID
    package let eventType: String
    package let aggregate: AggregateIdentity
    package let aggregateVersion: Int64
    package let state: State
    /// Whether it could not be delivered itself; otherwise it waits behind one that could not.
    package let isCause: Bool
    /// Whether an operator asked for it to be delivered again, which the relay that owns its segment does.
    package let isRedriveRequested: Bool
    package let reason: Reason
    /// What went wrong the last time, and what to do.
    package let error: String
    /// How often its delivery failed for good; outages do not count.
    package let attempts: Int
    package let firstAt: Date
    package let lastAt: Date
}
