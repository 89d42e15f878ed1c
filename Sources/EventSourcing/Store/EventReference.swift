package import FoundationEssentials

/// One event by its position and its identity: after a crash that lost the last commits, another event may have the
/// position.
package struct EventReference: Sendable, Hashable {
    package let position: Int64
    package let eventID: UUID

    package init(position: Int64, eventID: UUID) {
        self.position = position
        self.eventID = eventID
    }
}

extension EventReference {
    /// The event of a batch.
    package init(_ event: EventView) {
        self.init(position: event.globalPosition, eventID: event.eventUUID)
    }
}
