package import EventSourcing
import FoundationEssentials

/// What a consumer would make of an event: the record that it publishes, or why it publishes none.
package struct EventPreview: Sendable, Equatable {
    /// Why an event is not published.
    package struct Reason: Sendable, Equatable {
        /// For programs: `outside_scope`, `before_start`, `outside_former_scope`, `topic_refused`, the state of a dead letter,
        /// or the reason of an undeliverable event.
        package let code: String
        /// In words.
        package let text: String
        /// What becomes of the event then, in words.
        package var consequence: String?

        package static let outsideScope = "outside_scope"
    }

    package let position: Int64
    package let eventID: String
    package let eventType: String
    package let aggregate: AggregateIdentity
    /// Nil where the source has none.
    package let aggregateVersion: Int64?
    /// Microseconds since 1970; nil where the source has no times.
    package let createdAt: Int64?
    /// `nil` where the event is published.
    package internal(set) var reason: Reason?
    /// The record; also where it would be published once the reason has gone.
    package internal(set) var record: RecordPreview?
    /// What it holds up, as it cannot be delivered; `nil` where it holds up nothing.
    var holds: HeldEvents.Hold?

    package var isPublished: Bool { reason == nil }

    /// Its time in RFC 3339.
    package var createdAtText: String? {
        createdAt.map { String(decoding: TimestampText(microseconds: $0).text, as: UTF8.self) }
    }

    init(_ event: EventView) {
        position = event.globalPosition
        eventID = event.eventUUID.uuidString.lowercased()
        eventType = String(copying: event.eventType)
        aggregate = AggregateIdentity(
            boundedContext: String(copying: event.boundedContext), aggregateType: String(copying: event.aggregateType),
            aggregateID: String(copying: event.aggregateID))
        aggregateVersion = event.hasAggregateVersion ? event.aggregateVersion : nil
        createdAt = event.hasCreatedAt ? event.createdAtMicroseconds : nil
    }
}
