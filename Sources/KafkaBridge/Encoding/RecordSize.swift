import EventSourcing

/// How large a route's records are. Most are so far below any limit that a rough bound shows it; what is near to a limit is
/// measured as it will be sent.
struct RecordSize: Sendable {
    private let route: Route
    /// Names, separators, numbers and what else does not depend on the event.
    private let fixed: Int
    /// How often a text of the event can be in a record, escaped as it is there.
    private let textFactor: Int
    /// The same of what comes from its documents.
    private let documentFactor: Int
    private let sourceUsesContents: Bool
    private let preparesRecords: Bool
    private let takesMetadata: Bool
    private let takesPayload: Bool

    init(_ route: Route) {
        self.route = route
        var (fixed, factor) = (800, 1)
        // A key that is prepared is counted as it is.
        var key = 1
        if let template = route.key.template {
            key = 0
            fixed += 7 * template.description.utf8.count
        }
        switch route.format {
        case .payload:
            // A dead letter has the id, also where the choice leaves it out.
            fixed += route.headers.length(of: route.standardHeaders.union(.eventID))
            factor += key
            documentFactor = 1
        case .cloudEventsBinary(let settings):
            fixed += CloudEventNames.length + Self.length(settings)
            // The key again as an attribute; percent-encoding makes three bytes of one.
            factor += 2 * key + 3 * settings.source.fieldCount
            documentFactor = 1
        case .cloudEventsStructured(let settings):
            fixed += CloudEventNames.length + Self.length(settings)
            // A character is escaped with up to six bytes.
            factor = 6 + 7 * key + 3 * settings.source.fieldCount
            documentFactor = 6
        }
        fixed += 2 * (route.metadataHeaders.fixedLength + route.addedHeaders.fixedLength) * documentFactor
        fixed += route.traceHeaders.longest + (route.republication?.job.utf8.count ?? 0)
        if !route.addedHeaders.isEmpty { fixed += route.metadataHeaders.leftOutLength }
        self.fixed = fixed
        textFactor = factor
        preparesRecords = route.preparesRecords
        sourceUsesContents = route.format.cloudEvents?.source.usesContents == true
        takesMetadata = !route.metadataHeaders.isEmpty || route.addedHeaders.uses(.metadata)
        takesPayload = route.addedHeaders.uses(.payload)
    }

    private static func length(_ settings: RecordFormat.CloudEvents) -> Int {
        6 * (settings.source.description.utf8.count + settings.contentType.utf8.count)
    }

    /// Whether the event's record takes more than so many bytes; then how many it takes.
    ///
    /// - Parameters:
    ///   - prepared: what was made of the record before; `nil` where nothing was.
    ///   - note: what a record in the dead-letter topic says beside the event.
    func excess(
        over limit: Int, _ event: EventView, _ prepared: PreparedRecord? = nil, note: DeadLetterNote? = nil
    ) -> Int? {
        if let note, note.isMinimal {
            let size = size(of: event, prepared, note: note)
            return size > limit ? size : nil
        }
        let prepared = prepared ?? (preparesRecords ? route.prepareWhatIsPossible(event) : nil)
        let value = note?.omittedBytes == nil ? prepared?.valueLength(event) ?? event.payloadLength : 0
        let bound =
            value / 3 * 4 + 4 + textFactor * event.textLength + fixed + (note?.length ?? 0)
            + documents(event) * documentFactor + (prepared?.key?.count ?? 0) * (1 + documentFactor)
        // What is at places in the event can be any part of it.
        if bound <= limit, !sourceUsesContents { return nil }
        // No format makes less of a value.
        if value > limit { return value }
        let size = size(of: event, prepared, note: note)
        return size > limit ? size : nil
    }

    /// The most that headers can take from the event's documents: several can take the same.
    private func documents(_ event: EventView) -> Int {
        if !takesMetadata, !takesPayload { return 0 }
        let (metadata, payload) = (event.metadata.byteCount, event.payload.byteCount)
        let each = (takesMetadata ? metadata : 0) + (takesPayload ? payload : 0)
        let values = min((route.addedHeaders.count + 1) * each, MetadataHeaders.maximumTotalBytes)
        return values + (route.metadataHeaders.takesAll ? min(metadata, Route.longestLeftOut) : 0)
    }

    /// The bytes of the event's record in a batch of its own, not compressed.
    func size(of event: EventView, _ prepared: PreparedRecord? = nil, note: DeadLetterNote? = nil) -> Int {
        var measure = RecordMeasure()
        let prepared = prepared ?? route.prepareWhatIsPossible(event)
        route.fill(event, prepared, note: note, &measure)
        if note?.omittedBytes == nil, prepared.isWithheld(event), let bytes = event.withheldBytes {
            measure.withheld(bytes)
        }
        return measure.size
    }
}
