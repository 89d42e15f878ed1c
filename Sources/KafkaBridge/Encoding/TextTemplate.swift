import EventSourcing

/// Text with places for any of an event's text fields, such as `/{bounded_context}/{aggregate_type}`: for keys and
/// sources, which need not be few.
package struct TextTemplate: Sendable, Hashable, CustomStringConvertible {
    package enum Field: String, Sendable, CaseIterable {
        case boundedContext = "bounded_context"
        case aggregateType = "aggregate_type"
        case aggregateID = "aggregate_id"
        case eventType = "event_type"
        case traceID = "trace_id"
        case correlationID = "correlation_id"
        case causationID = "causation_id"
    }

    private enum Part: Sendable, Hashable {
        case literal([UInt8])
        case field(Field)
    }

    /// The template as it was written.
    package let description: String
    private let parts: [Part]

    /// - Throws: ``TextTemplateError``, saying what is wrong and where.
    package init(_ text: String) throws(TextTemplateError) {
        description = text
        var parts: [Part] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            let position = text.distance(from: text.startIndex, to: open) + 1
            guard let close = rest[open...].firstIndex(of: "}") else { throw .unclosed(position: position) }
            if open > rest.startIndex { parts.append(.literal(Array(rest[..<open].utf8))) }
            let name = String(rest[rest.index(after: open)..<close])
            guard let field = Field(rawValue: name) else { throw .unknownField(name, position: position) }
            parts.append(.field(field))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.literal(Array(rest.utf8))) }
        guard !parts.isEmpty else { throw .empty }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { throw .controlCharacter }
        self.parts = parts
    }

    /// How many fields the text is made of, each as often as it is there.
    var fieldCount: Int { parts.count { if case .field = $0 { true } else { false } } }

    /// Appends the text for an event. Fields that the event does not have leave nothing.
    func append(_ event: EventView, to bytes: inout [UInt8], where isKept: (UInt8) -> Bool = { _ in true }) {
        for part in parts {
            switch part {
            case .literal(let literal): bytes += literal
            case .field(let field):
                Self.value(of: field, in: event).withUnsafeBytes { value in
                    for byte in value {
                        if isKept(byte) {
                            bytes.append(byte)
                        } else {
                            bytes.append(UInt8(ascii: "%"))
                            bytes.append(Self.hexadecimal(byte >> 4))
                            bytes.append(Self.hexadecimal(byte & 15))
                        }
                    }
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
        }
    }
}

/// What is wrong with a template's text. Positions count characters from 1.
package enum TextTemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    case empty
    case unclosed(position: Int)
    case unknownField(String, position: Int)
    case controlCharacter

    package var description: String {
        switch self {
        case .empty: "the template is empty"
        case .unclosed(let position): "the `{` at character \(position) is never closed"
        case .unknownField(let name, let position):
            "`{\(name)}` at character \(position) is not a field of an event: "
                + "use \(TextTemplate.Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", "))"
        case .controlCharacter: "the template holds a control character"
        }
    }
}
