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
        return event.payload.byteCount + event.aggregateID.byteCount + values + route.headers.length + overhead
    }
}
