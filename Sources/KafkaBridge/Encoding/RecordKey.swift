import EventSourcing

/// What becomes a record's key, and with it decides which records keep their order: those of one key do.
package enum RecordKey: Sendable, Hashable {
    /// Keeps the order of each aggregate's events.
    case aggregateID
    /// Keeps the order of each business process; the aggregate's id for events without one. Aggregates keep their
    /// order only as far as one process touches them.
    case correlationID
    /// Aggregates keep their order if the template holds nothing that changes between their events.
    case template(TextTemplate)

    /// What the key's text is made of, where a template says so.
    package var template: TextTemplate? { if case .template(let template) = self { template } else { nil } }

    /// The key; `nil` for the aggregate's id as it is.
    func bytes(of event: EventView) throws(RecordProblem) -> [UInt8]? {
        switch self {
        case .aggregateID: return nil
        case .correlationID:
            let id = event.correlationID
            return id.byteCount == 0 ? nil : id.withUnsafeBytes { Array($0) }
        case .template(let template):
            var bytes: [UInt8] = []
            if let gap = template.append(event, to: &bytes) { throw .gap(.key, gap) }
            if bytes.isEmpty { throw .emptyKey }
            return bytes
        }
    }
}
