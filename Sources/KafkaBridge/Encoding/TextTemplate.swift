package import EventSourcing

/// Text with places for fields of an event and for what its metadata and payload hold, such as
/// `{metadata./tenant}:{aggregate_id}`: for keys, partitions and sources, which need not be few.
package struct TextTemplate: Sendable, Hashable, CustomStringConvertible {
    package enum Field: String, Sendable, CaseIterable {
        case boundedContext = "bounded_context"
        case aggregateType = "aggregate_type"
        case aggregateID = "aggregate_id"
        case aggregateVersion = "aggregate_version"
        case eventID = "event_id"
        case eventType = "event_type"
        case eventVersion = "event_version"
        case globalPosition = "global_position"
        case traceID = "trace_id"
        case correlationID = "correlation_id"
        case causationID = "causation_id"
    }

    private enum Part: Sendable, Hashable {
        case literal([UInt8])
        case field(Field)
        case place(EventPlace)
    }

    /// The template as it was written.
    package let description: String
    private let parts: [Part]
    /// The columns that it takes from, each once.
    package let fields: Set<Field>
    /// The places in the metadata and the payload that it takes from.
    package let places: [EventPlace]

    /// - Throws: ``TextTemplateError``, saying what is wrong and where.
    package init(_ text: String) throws(TextTemplateError) {
        description = text
        var parts: [Part] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            let position = text.distance(from: text.startIndex, to: open) + 1
            guard let close = rest[open...].firstIndex(of: "}") else { throw .unclosed(position: position) }
            if open > rest.startIndex { parts.append(.literal(Array(rest[..<open].utf8))) }
            parts.append(try Self.part(String(rest[rest.index(after: open)..<close]), position))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.literal(Array(rest.utf8))) }
        guard !parts.isEmpty else { throw .empty }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { throw .controlCharacter }
        self.parts = parts
        fields = Set(parts.compactMap { if case .field(let field) = $0 { field } else { nil } })
        places = parts.compactMap { if case .place(let place) = $0 { place } else { nil } }
    }

    private static func part(_ name: String, _ position: Int) throws(TextTemplateError) -> Part {
        if let field = Field(rawValue: name) { return .field(field) }
        for document in EventPlace.Document.allCases where name.hasPrefix(document.rawValue + ".") {
            let text = String(name.dropFirst(document.rawValue.count + 1))
            let pointer: JSONPointer
            do { pointer = try JSONPointer(text) } catch { throw .pointer(text, error, position: position) }
            guard !pointer.tokens.isEmpty else { throw .wholeDocument(name, position: position) }
            return .place(EventPlace(document, pointer))
        }
        throw .unknownField(name, position: position)
    }

    /// How many fields and places the text is made of, each as often as it is there.
    var fieldCount: Int { parts.count { if case .literal = $0 { false } else { true } } }

    /// The bytes that are in every text.
    var literalLength: Int { literals.count }

    /// The text between the fields and places.
    package var literals: [UInt8] { parts.flatMap { if case .literal(let bytes) = $0 { bytes } else { [UInt8]() } } }

    /// Whether it takes from what only a whole read of an event brings.
    package var usesContents: Bool { !places.isEmpty }

    /// Whether it takes from a document.
    package func uses(_ document: EventPlace.Document) -> Bool { places.contains { $0.document == document } }

    /// Appends the text for an event. Columns that the event does not have leave nothing.
    ///
    /// - Returns: the first place that has nothing that can be part of a text; then what was appended is of no use.
    @discardableResult
    func append(
        _ event: EventView, to bytes: inout [UInt8], where isKept: (UInt8) -> Bool = { _ in true }
    ) -> EventPlace.Gap? {
        for part in parts {
            switch part {
            case .literal(let literal): bytes += literal
            case .field(.eventID):
                let id = UUIDText(event.eventID)
                Self.append(id.bytes.span.bytes, to: &bytes, where: isKept)
            case .field(.eventVersion) where !event.hasEventVersion: break
            case .field(.aggregateVersion) where !event.hasAggregateVersion: break
            case .field(.eventVersion): bytes += Array("\(event.eventVersion)".utf8)
            case .field(.aggregateVersion): bytes += Array("\(event.aggregateVersion)".utf8)
            case .field(.globalPosition): bytes += Array("\(event.globalPosition)".utf8)
            case .field(let field): Self.append(Self.value(of: field, in: event), to: &bytes, where: isKept)
            case .place(let place):
                switch place.text(in: event) {
                case .success(let text): Self.append(text.span.bytes, to: &bytes, where: isKept)
                case .failure(let flaw): return EventPlace.Gap(place: place, flaw: flaw)
                }
            }
        }
        return nil
    }

    private static func append(_ value: RawSpan, to bytes: inout [UInt8], where isKept: (UInt8) -> Bool) {
        value.withUnsafeBytes { value in
            for byte in value {
                if isKept(byte) {
                    bytes.append(byte)
                } else {
                    bytes.append(UInt8(ascii: "%"))
                    bytes.append(hexadecimal(byte >> 4))
                    bytes.append(hexadecimal(byte & 15))
                }
            }
        }
    }

    private static func hexadecimal(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    @_lifetime(borrow event)
    private static func value(of field: Field, in event: EventView) -> RawSpan {
        switch field {
        case .boundedContext: event.boundedContext
        case .aggregateType: event.aggregateType
        case .aggregateID: event.aggregateID
        case .eventType: event.eventType
        case .traceID: event.traceID
        case .correlationID: event.correlationID
        case .causationID: event.causationID
        // Not text; written by the caller.
        case .eventID, .eventVersion, .aggregateVersion, .globalPosition: event.eventID
        }
    }
}

/// What is wrong with a template's text. Positions count characters from 1.
package enum TextTemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    case empty
    case unclosed(position: Int)
    case unknownField(String, position: Int)
    case pointer(String, JSONPointerError, position: Int)
    case wholeDocument(String, position: Int)
    case controlCharacter

    package var description: String {
        switch self {
        case .empty: "the template is empty"
        case .unclosed(let position): "the `{` at character \(position) is never closed"
        case .unknownField(let name, let position):
            "`{\(name)}` at character \(position) is not a field of an event: "
                + "use \(TextTemplate.Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")), "
                + "or a place in its metadata or payload, as in {metadata./tenant} and {payload./order/country}"
        case .pointer(let text, let error, let position):
            "`\(text)` at character \(position) is no place in JSON: \(error)"
        case .wholeDocument(let name, let position):
            "`{\(name)}` at character \(position) is the whole document: name a place in it, as in {metadata./tenant}"
        case .controlCharacter: "the template holds a control character"
        }
    }
}
