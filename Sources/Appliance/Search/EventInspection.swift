import Consumers
import EventSourcing
import FoundationEssentials
import KafkaBridge

/// Everything about one event: what it holds, and what became of it with each consumer. A pure value.
struct EventInspection: Sendable {
    struct Account: Sendable {
        let consumer: String
        let fate: EventFate
        let preview: EventPreview
        let letter: DeadLetter?
    }

    let event: EventRow
    let payload: [UInt8]
    /// The length of a payload that was too large to be read.
    let withheld: Int?
    let metadata: String?
    let trace: String?
    let correlation: String?
    let causation: String?
    /// Those that take it first.
    var accounts: [Account] = []
    /// What else is to be said, a sentence each.
    var notes: [String] = []

    init(_ event: EventView) {
        let whole = event.event
        self.event = EventRow(event)
        (payload, withheld, metadata) = (whole.payload, event.withheldBytes, whole.metadata)
        (trace, correlation, causation) = (whole.traceID, whole.correlationID, whole.causationID)
    }

    func payloadView(isHidden: Bool) -> BytesView {
        withheld.map { BytesView(withheld: $0, isHidden: isHidden) } ?? BytesView(payload, isHidden: isHidden)
    }

    func metadataView(isHidden: Bool) -> BytesView { BytesView(Array((metadata ?? "").utf8), isHidden: isHidden) }

    // MARK: For programs

    func json(isHidden: Bool) -> JSONValue {
        guard case .object(var members) = event.json else { return .null }
        if isHidden {
            members += [.init("payload", .null), .init("metadata", .null)]
        } else {
            members.append(Self.member("payload", payload))
            members.append(.init("metadata", metadata.flatMap { try? JSONParser.parse($0) } ?? .null))
        }
        members += [
            .init("payload_bytes", .number(withheld ?? payload.count)),
            .init("payload_hidden", .boolean(isHidden)), .init("payload_too_large", .boolean(withheld != nil)),
            .init("trace_id", trace.map { .string($0) } ?? .null),
            .init("correlation_id", correlation.map { .string($0) } ?? .null),
            .init("causation_id", causation.map { .string($0) } ?? .null),
            .init("consumers", .array(accounts.map { Self.json($0, isHidden: isHidden) })),
            .init("notes", .array(notes.map { .string($0) })),
        ]
        return .object(members)
    }

    private static func json(_ account: Account, isHidden: Bool) -> JSONValue {
        [
            "consumer": .string(account.consumer), "state": .string(account.fate.kind.rawValue),
            "text": .string(account.fate.text),
            "record": isHidden ? .null : account.preview.json["record"] ?? .null,
            "parked": account.letter.map(\.json) ?? .null,
        ]
    }

    private static func member(_ name: String, _ bytes: [UInt8]) -> JSONValue.Member {
        if let text = String(validating: bytes, as: UTF8.self) { return .init(name, .string(text)) }
        return .init(name + "_base64", .string(Data(bytes).base64EncodedString()))
    }
}
