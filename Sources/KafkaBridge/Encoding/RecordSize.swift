import EventSourcing

/// How large a record will be, estimated from above, so that an oversized event is found before the client sees it.
enum RecordSize {
    /// Lengths, attributes and the batch's own header take no more than this.
    private static let overhead = 200

    static func upperBound(_ event: EventView, _ route: Route) -> Int {
        let values =
            event.eventType.byteCount + event.boundedContext.byteCount + event.aggregateType.byteCount
            + event.aggregateID.byteCount + event.traceID.byteCount + event.correlationID.byteCount
            + event.causationID.byteCount + UUIDText.length + TimestampText.length + 50
        let key = event.aggregateID.byteCount + event.correlationID.byteCount
        let common = 2 * key + values + route.metadataHeaders.upperBound(event) + overhead
        switch route.format {
        case .payload: return event.payload.byteCount + common + route.headers.length
        case .cloudEventsBinary(let settings):
            return event.payload.byteCount + common + CloudEventNames.length + sourceBytes(settings, values)
        case .cloudEventsStructured(let settings):
            // In Base64 a payload takes four bytes for three; text is escaped with up to six bytes for one.
            return event.payload.byteCount / 3 * 4 + 4 + 6 * common + CloudEventNames.length
                + sourceBytes(settings, values)
        }
    }

    /// Percent-encoding makes three bytes of one.
    private static func sourceBytes(_ settings: RecordFormat.CloudEvents, _ values: Int) -> Int {
        settings.source.description.utf8.count + settings.contentType.utf8.count + 3 * values
    }
}
