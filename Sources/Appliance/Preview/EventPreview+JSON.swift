import EventSourcing
import FoundationEssentials
import KafkaBridge

extension EventPreview {
    /// For programs: everything, to be written on a line. Bytes that are not UTF-8 come in Base64, under the name with
    /// `_base64` behind it.
    package var json: JSONValue {
        [
            "position": .number(position), "event_id": .string(eventID), "event_type": .string(eventType),
            "bounded_context": .string(aggregate.boundedContext), "aggregate_type": .string(aggregate.aggregateType),
            "aggregate_id": .string(aggregate.aggregateID),
            "aggregate_version": aggregateVersion.map { .number($0) } ?? .null,
            "created_at": createdAtText.map { .string($0) } ?? .null, "published": .boolean(isPublished),
            "reason": reason.map(\.json) ?? .null, "record": record.map(\.json) ?? .null,
        ]
    }
}

extension EventPreview.Reason {
    fileprivate var json: JSONValue {
        [
            "code": .string(code), "text": .string(text),
            "consequence": consequence.map { .string($0) } ?? .null,
        ]
    }
}

extension RecordPreview {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("topic", .string(topic)), .init("topic_to_be_made", .boolean(isTopicAbsent)),
        ]
        switch partition {
        case .number(let number): members.append(.init("partition", .number(number)))
        case .unknown(let reason):
            members += [.init("partition", .null), .init("partition_unknown", .string(reason))]
        }
        members.append(Self.member("key", key))
        members.append(
            .init(
                "headers",
                .array(headers.map { .object([.init("name", .string($0.name)), Self.member("value", $0.value)]) })))
        if let omittedBytes {
            members += [.init("value", .null), .init("value_omitted_bytes", .number(omittedBytes))]
        } else {
            members.append(Self.member("value", value))
        }
        members += [
            .init("size", .number(size)), .init("limit", limit.map { .number($0) } ?? .null),
            .init("timestamp", timestamp.map { .number($0) } ?? .null),
        ]
        return .object(members)
    }

    private static func member(_ name: String, _ bytes: [UInt8]?) -> JSONValue.Member {
        guard let bytes else { return .init(name, .null) }
        if let text = String(validating: bytes, as: UTF8.self) { return .init(name, .string(text)) }
        return .init(name + "_base64", .string(Data(bytes).base64EncodedString()))
    }
}
