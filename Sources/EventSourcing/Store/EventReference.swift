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

extension EventBatch {
    /// The last of the events; `nil` if there is none.
    package var lastReference: EventReference? {
        last.map { EventReference(position: $0.globalPosition, eventID: $0.eventUUID) }
    }
}
