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
        if !filter.isEmpty {
            switch filter.decide(event) {
            case .wanted: break
            case .undecidable: return .failure(event.withheldBytes == nil ? .undecidable : .undecidableSize)
            // Only what is parked and delivered again can have become so.
            case .unwanted: return .failure(.unwanted)
            }
        }
        return topic(for: event).mapError { Rejection(reason: .noTopic, error: $0.description) }
    }
}

extension Rejection {
    /// The consumer's conditions look into what cannot be looked into.
    static let undecidable = Rejection(
        reason: .malformed,
        error: """
            its payload is not JSON, or nested more than \(JSONText.maximumDepth) levels deep, and the consumer takes events by values in it ("where"), so that it cannot be said whether \
            this one is wanted: correct the payload, discard the event, or leave its type out by "except_event_types"
            """)

    static let undecidableSize = Rejection(
        reason: .tooLarge,
        error: """
            its payload is larger than \(EventFilter.largestPayload) bytes, and the consumer takes events by values in it ("where"), so \
            that it cannot be said whether this one is wanted: discard it, or leave its type out by "except_event_types"
            """)

    /// It was corrected, or the filter was changed, since it was parked.
    static let unwanted = Rejection(
        reason: .malformed,
        error: "the consumer's filter leaves it out by now: discard it, and what waits behind it goes on")

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
