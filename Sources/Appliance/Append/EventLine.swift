import Consumers
package import EventSourcing
import FoundationEssentials

/// One line of `godwit append`: an event and what it expects of its aggregate.
package struct EventLine: Sendable {
    package var event: Event
    package var expectedVersion: ExpectedVersion

    /// What a line gets wrong.
    package struct Rejection: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    private static let members: Set<String> = [
        "bounded_context", "aggregate_type", "aggregate_id", "event_id", "event_type", "event_version", "payload",
        "payload_base64", "trace_id", "correlation_id", "causation_id", "metadata", "created_at", "expected_version",
    ]

    /// Reads one JSON object.
    package static func parse(_ line: some StringProtocol) throws(Rejection) -> EventLine {
        let json: JSONValue
        do throws(JSONParser.Failure) {
            json = try JSONParser.parse(line)
        } catch {
            throw Rejection(description: error.description)
        }
        guard case .object(let members) = json else { throw Rejection(description: "a JSON object is expected") }
        for member in members where !Self.members.contains(member.name) {
            let nearest = NearestName.of(member.name, among: Self.members).map { "; did you mean \"\($0)\"?" } ?? ""
            throw Rejection(description: "unknown member \(JSONValue.string(member.name).text)\(nearest)")
        }
        return EventLine(
            event: Event(
                boundedContext: try required(json, "bounded_context"),
                aggregateType: try required(json, "aggregate_type"),
                aggregateID: try required(json, "aggregate_id"), eventID: try eventID(json),
                eventType: try required(json, "event_type"), eventVersion: try eventVersion(json),
                payload: try payload(json), traceID: try text(json, "trace_id"),
                correlationID: try text(json, "correlation_id"), causationID: try text(json, "causation_id"),
                metadata: metadata(json), createdAt: try createdAt(json)),
            expectedVersion: try expectedVersion(json))
    }

    private static func text(_ json: JSONValue, _ name: String) throws(Rejection) -> String? {
        switch json[name] {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw Rejection(description: "\"\(name)\" must be a text")
        }
    }

    private static func required(_ json: JSONValue, _ name: String) throws(Rejection) -> String {
        guard let text = try text(json, name), !text.isEmpty else {
            throw Rejection(description: "\"\(name)\" is required and not empty")
        }
        return text
    }

    private static func eventID(_ json: JSONValue) throws(Rejection) -> UUID {
        guard let text = try text(json, "event_id") else { return UUID() }
        guard let id = UUID(uuidString: text) else { throw Rejection(description: "\"event_id\" must be a UUID") }
        return id
    }

    private static func eventVersion(_ json: JSONValue) throws(Rejection) -> Int32 {
        guard let value = json["event_version"] else { return 1 }
        guard case .number(let digits) = value, let version = Int32(digits), version > 0 else {
            throw Rejection(description: "\"event_version\" must be a whole number from 1")
        }
        return version
    }

    /// A text is stored as it is, any other JSON as compact JSON with its order of members and its digits.
    private static func payload(_ json: JSONValue) throws(Rejection) -> [UInt8] {
        switch (json["payload"], try text(json, "payload_base64")) {
        case (.some, .some): throw Rejection(description: "give \"payload\" or \"payload_base64\", not both")
        case (nil, nil): throw Rejection(description: "\"payload\" or \"payload_base64\" is required")
        case (.string(let text), nil): return Array(text.utf8)
        case (.some(let value), nil): return Array(value.text.utf8)
        case (nil, .some(let text)):
            guard let data = Data(base64Encoded: text) else {
                throw Rejection(description: "\"payload_base64\" is not base64")
            }
            return Array(data)
        }
    }

    private static func metadata(_ json: JSONValue) -> String? {
        switch json["metadata"] {
        case nil, .null: nil
        case .some(let value): value.text
        }
    }

    private static func createdAt(_ json: JSONValue) throws(Rejection) -> Date? {
        guard let text = try text(json, "created_at") else { return nil }
        let styles = [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)]
        for style in styles {
            if let date = try? style.parse(text) { return date }
        }
        throw Rejection(description: "\"created_at\" must be a time such as 2026-01-31T09:15:02Z")
    }

    private static func expectedVersion(_ json: JSONValue) throws(Rejection) -> ExpectedVersion {
        switch json["expected_version"] {
        case nil, .string("any"): return .any
        case .string("no_stream"): return .noStream
        case .number(let digits):
            if let version = Int64(digits), version >= 0 { return .exact(version) }
        default: break
        }
        throw Rejection(description: "\"expected_version\" must be \"any\", \"no_stream\" or a version from 0")
    }
}
