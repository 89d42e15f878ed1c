/// A topic's name with places for an event's fields, such as `identity.{aggregate_type|kebab}`.
///
/// Fields: `bounded_context`, `aggregate_type`, `event_type`, `event_version`; filters: `lower`, `upper`, `kebab`,
/// several in a row. Literal text has to be legal in a topic's name; what a field brings that is not legal becomes `_`.
package struct TopicTemplate: Sendable, Hashable, CustomStringConvertible {
    package enum Field: String, Sendable, CaseIterable {
        case boundedContext = "bounded_context"
        case aggregateType = "aggregate_type"
        case eventType = "event_type"
        case eventVersion = "event_version"
    }

    package enum Filter: String, Sendable, CaseIterable {
        case lower, upper, kebab
    }

    enum Part: Sendable, Hashable {
        case literal(String)
        case field(Field, [Filter])
    }

    /// The template as it was written.
    package let description: String
    let parts: [Part]

    /// - Throws: ``TopicTemplateError``, saying what is wrong and where.
    package init(_ text: String) throws(TopicTemplateError) {
        description = text
        parts = try Self.parse(text)
    }

    /// The fields the name depends on, in the order they are used.
    package var fields: [Field] {
        parts.compactMap { if case .field(let field, _) = $0 { field } else { nil } }
    }

    /// The name for an event.
    ///
    /// - Throws: ``TopicNameError`` when the event's fields do not make a legal name.
    package func render(_ fields: RouteFields) throws(TopicNameError) -> TopicName {
        var text = ""
        for part in parts {
            switch part {
            case .literal(let literal): text += literal
            case .field(let field, let filters):
                let value = Self.value(of: field, in: fields)
                if value.isEmpty { throw .emptyField(field.rawValue) }
                text += filters.reduce(value) { $1.apply(to: $0) }
            }
        }
        return try TopicName(sanitizing: text)
    }

    /// With `*` for each field: all topics that it leads to match it.
    package var pattern: String {
        let text = parts.map { if case .literal(let text) = $0 { text } else { "*" } }.joined()
        return text.contains { $0 != "*" } ? text : "*"
    }

    /// What makes this event's topic differ from another one's.
    func inputs(_ fields: RouteFields) -> [String] { self.fields.map { Self.value(of: $0, in: fields) } }

    private static func value(of field: Field, in fields: RouteFields) -> String {
        switch field {
        case .boundedContext: fields.boundedContext
        case .aggregateType: fields.aggregateType
        case .eventType: fields.eventType
        case .eventVersion: "\(fields.eventVersion)"
        }
    }
}

extension TopicTemplate.Filter {
    func apply(to text: String) -> String {
        switch self {
        case .lower: text.lowercased()
        case .upper: text.uppercased()
        case .kebab: Self.kebab(text)
        }
    }

    /// `OrderLine` and `order_line` become `order-line`, `HTTPRequest` becomes `http-request`.
    private static func kebab(_ text: String) -> String {
        let characters = Array(text)
        var result = ""
        for (index, character) in characters.enumerated() {
            if character == "_" || character == " " || character == "-" {
                if !result.isEmpty, result.last != "-" { result.append("-") }
                continue
            }
            if character.isUppercase, index > 0, let last = result.last, last != "-" {
                let previous = characters[index - 1]
                let nextIsLower = index + 1 < characters.count && characters[index + 1].isLowercase
                if previous.isLowercase || previous.isNumber || (previous.isUppercase && nextIsLower) {
                    result.append("-")
                }
            }
            result += character.lowercased()
        }
        return result
    }
}
