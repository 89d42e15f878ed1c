import EventSourcing

/// How large a route's records are. Most are so far below any limit that a rough bound shows it; what is near to a limit is
/// measured as it will be sent.
struct RecordSize: Sendable {
    private let route: Route
    /// Names, separators, numbers and what else does not depend on the event.
    private let fixed: Int
    /// How often a text of the event can be in a record, escaped as it is there.
    private let textFactor: Int

    init(_ route: Route) {
        self.route = route
        var (fixed, factor) = (800, 1)
        let key: Int
        if case .template(let template) = route.key {
            key = template.fieldCount
            fixed += 7 * template.description.utf8.count
        } else {
            key = 1
        }
        switch route.format {
        case .payload:
            // A dead letter has the id, also where the choice leaves it out.
            fixed += route.headers.length(of: route.standardHeaders.union(.eventID))
            factor += key
        case .cloudEventsBinary(let settings):
            fixed += CloudEventNames.length + Self.length(settings)
            // The key again as an attribute; percent-encoding makes three bytes of one.
            factor += 2 * key + 3 * settings.source.fieldCount
        case .cloudEventsStructured(let settings):
            fixed += CloudEventNames.length + Self.length(settings)
            // A character is escaped with up to six bytes.
            factor = 6 + 7 * key + 3 * settings.source.fieldCount
        }
        fixed += route.metadataHeaders.fixedLength + (route.republication?.job.utf8.count ?? 0)
        self.fixed = fixed
        textFactor = factor
    }

    private static func length(_ settings: RecordFormat.CloudEvents) -> Int {
        6 * (settings.source.description.utf8.count + settings.contentType.utf8.count)
    }

    /// Whether the event's record takes more than so many bytes; then how many it takes.
    ///
    /// - Parameter note: what a record in the dead-letter topic says beside the event.
    func excess(over limit: Int, _ event: EventView, note: DeadLetterNote? = nil) -> Int? {
        if let note, note.isMinimal {
            let size = size(of: event, note: note)
            return size > limit ? size : nil
        }
        let payload = note?.omittedBytes == nil ? event.payloadLength : 0
        let bound =
            payload / 3 * 4 + 4 + textFactor * event.textLength + fixed + (note?.length ?? 0)
            + (route.metadataHeaders.isEmpty ? 0 : min(event.metadata.byteCount, MetadataHeaders.maximumTotalBytes))
        if bound <= limit { return nil }
        // No format makes less of a payload.
        if payload > limit { return payload }
        let size = size(of: event, note: note)
        return size > limit ? size : nil
    }

    /// The bytes of the event's record in a batch of its own, not compressed.
    func size(of event: EventView, note: DeadLetterNote? = nil) -> Int {
        var measure = RecordMeasure()
        route.fill(event, key: route.key.bytes(of: event), note: note, &measure)
        if note?.omittedBytes == nil, let bytes = event.withheldBytes { measure.withheld(bytes) }
        return measure.size
    }
}
