/// The shape of a record.
package enum RecordFormat: Sendable, Hashable {
    /// The value is the payload, byte for byte; everything else is in headers named by ``HeaderNames``.
    case payload
    /// CloudEvents 1.0, Kafka binding, binary mode: the value is the payload, the attributes are headers `ce_…`.
    case cloudEventsBinary(CloudEvents)
    /// CloudEvents 1.0, Kafka binding, structured mode: the value is one JSON object.
    case cloudEventsStructured(CloudEvents)

    /// What CloudEvents need to know that the event does not say.
    package struct CloudEvents: Sendable, Hashable {
        /// Makes the attribute `source`.
        package var source: TextTemplate
        /// The media type of the payloads.
        package var contentType: String

        package init(source: TextTemplate, contentType: String = "application/json") {
            self.source = source
            self.contentType = contentType
        }

        /// Whether payloads are JSON, so that they may stand in a JSON text as they are.
        var isJSON: Bool {
            let type = contentType.split(separator: ";").first.map { $0.lowercased().filter { $0 != " " } } ?? ""
            return type == "application/json" || type.hasSuffix("+json") || type == "text/json"
        }
    }
}
