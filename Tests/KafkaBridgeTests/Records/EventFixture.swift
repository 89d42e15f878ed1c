import EventSourcing
import FoundationEssentials

@testable import Kafka
@testable import KafkaBridge

/// One event, and the record that a route makes of it.
struct EventFixture {
    var context = "Sales"
    var type = "Order"
    var aggregate = "order-7"
    var event = "OrderPlaced"
    var payload = #"{"total":1}"#
    var bytes: [UInt8]?
    var metadata: String?
    var traceID: String?
    var correlationID: String?
    var id = UUID(uuidString: "00112233-4455-6677-8899-AABBCCDDEEFF") ?? UUID()

    func batch() throws -> EventBatch {
        try EventBatch([
            PersistedEvent(
                globalPosition: 42, boundedContext: context, aggregateType: type, aggregateID: aggregate,
                aggregateVersion: 3, eventID: id, eventType: event, eventVersion: 2,
                payload: bytes ?? Array(payload.utf8), traceID: traceID, correlationID: correlationID,
                metadata: metadata, createdAt: Date(timeIntervalSince1970: 1_700_000_000))
        ])
    }

    /// The record; or, thrown, why there is none.
    func record(
        _ change: (inout Route) throws -> Void = { _ in }, note: DeadLetterNote? = nil
    ) throws -> CapturedRecord {
        var route = Route(topic: try TopicTemplate("t"), standardHeaders: [])
        try change(&route)
        let batch = try batch()
        var record = CapturedRecord()
        let prepared = note == nil ? try route.prepare(batch[0]) : route.prepareWhatIsPossible(batch[0])
        route.fill(batch[0], prepared, note: note, &record)
        return record
    }

    /// Why a route has no record.
    func problem(_ change: (inout Route) throws -> Void) throws -> RecordProblem? {
        do {
            _ = try record(change)
            return nil
        } catch let problem as RecordProblem {
            return problem
        }
    }
}

extension CapturedRecord {
    var keyText: String? { key.map { String(decoding: $0, as: UTF8.self) } }
    var valueText: String? { value.map { String(decoding: $0, as: UTF8.self) } }
    var headerTexts: [String] { headers.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" } }
    func text(_ name: String) -> String? { header(name).map { String(decoding: $0, as: UTF8.self) } }
}
