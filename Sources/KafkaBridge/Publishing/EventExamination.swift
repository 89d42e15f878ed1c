import EventSourcing
import Kafka

/// What rules an event out before its record is sent: decided and said alike where events are delivered and where they are
/// previewed.
extension Router {
    /// The event's topic, or why it can have none.
    ///
    /// - Parameters:
    ///   - filter: of the consumer's scope, which must be able to decide.
    ///   - mayHaveDefects: what its batch says: a sound table's events are asked once a batch.
    mutating func destination(
        of event: EventView, _ filter: EventFilter, mayHaveDefects: Bool
    ) -> Result<Int, Rejection> {
        if mayHaveDefects, let defect = event.defect(includesMetadata: route.usesMetadata) {
            return .failure(Rejection(reason: .malformed, error: defect.description))
        }
        // A payload that did not come is too large for any topic.
        if !filter.conditions.isEmpty, event.withheldBytes == nil, filter.decide(event) == .undecidable {
            return .failure(.undecidable)
        }
        return topic(for: event).mapError { Rejection(reason: .noTopic, error: $0.description) }
    }
}

extension Rejection {
    /// The consumer's conditions look into what cannot be looked into.
    static let undecidable = Rejection(
        reason: .malformed,
        error: """
            its payload is not JSON, and the consumer takes events by values in it ("where"), so that it cannot be said whether \
            this one is wanted: correct the payload, discard the event, or leave its type out by "except_event_types"
            """)

    static func tooLarge(_ size: Int, limit: Int, topic: String) -> Rejection {
        Rejection(
            reason: .tooLarge,
            error: "its record would take \(size) bytes, and \(limit) are allowed in topic `\(topic)`",
            topic: topic)
    }

    /// - Parameter error: what ``TopicSettings/timeError(_:now:)`` says.
    static func time(_ error: String, topic: String) -> Rejection {
        let advice = KafkaError.Code.invalidTimestamp.classification.advice
        return Rejection(
            reason: .rejected, error: "topic `\(topic)` takes no such record: \(error). \(advice)", topic: topic)
    }

    static func refused(_ error: KafkaError, topic: String) -> Rejection {
        Rejection(reason: .rejected, error: "topic `\(topic)` takes no records: \(error)", topic: topic)
    }
}
