import EventSourcing
import Kafka

/// Which event a record carries, whatever its format, and whether it was published again by a job.
struct RecordIdentity: Sendable, Equatable {
    let event: EventID
    let isRepublished: Bool

    init(event: EventID, isRepublished: Bool) {
        self.event = event
        self.isRepublished = isRepublished
    }

    /// Beside what the consumer calls the event's id, the headers that give it: of CloudEvents, and what the id is called unless
    /// it is renamed.
    static let idHeaders = ["ce_id", "event_id"]
    /// The headers that are looked at beside.
    static let headers = ["content-type", Republication.jobHeader]

    /// Nil for a record that names no event: another producer's. Of the value of a record with an id nothing is needed.
    ///
    /// - Parameter header: what the consumer calls the event's id.
    init?(_ record: ConsumedRecord, header name: String) {
        var text: [UInt8]?
        var other: [UInt8]?
        var isStructured = false
        var isRepublished = false
        for header in record.headers {
            switch header.name {
            case name: text = text ?? header.value
            case let name where Self.idHeaders.contains(name): other = other ?? header.value
            case "content-type": isStructured = Self.isStructured(header.value ?? [])
            case Republication.jobHeader: isRepublished = true
            default: break
            }
        }
        text = text ?? other
        if text == nil, isStructured, let value = record.value { text = Self.id(inJSON: value) }
        guard let text, let event = EventID(text: text) else { return nil }
        self.event = event
        self.isRepublished = isRepublished
    }

    private static func isStructured(_ type: [UInt8]) -> Bool {
        type.starts(with: Array("application/cloudevents".utf8))
    }

    private static func id(inJSON value: [UInt8]) -> [UInt8]? {
        var id: [UInt8]?
        let span = value.span.bytes
        _ = JSONText.forEachMember(of: span) { name, range in
            // A UUID needs no escapes; what is left between the quotes is checked as one.
            if name == "id", id == nil, range.count > 2 { id = Array(value[range].dropFirst().dropLast()) }
        }
        return id
    }
}
