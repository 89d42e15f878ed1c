import EventSourcing
import FoundationEssentials

/// An event that is to be noted in the table of dead letters.
struct UndeliverableEvent: Sendable, Hashable {
    let position: Int64
    let segment: Int
    /// The claim's under which the event was handed over.
    let epoch: Int64
    let eventID: UUID
    let eventType: String
    let aggregate: AggregateIdentity
    let aggregateVersion: Int64
    let reason: DeadLetter.Reason
    let error: String
}
