/// What is wrong with a template's text. Positions count characters from 1.
package enum TopicTemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    case empty
    case unclosed(position: Int)
    case illegalCharacter(String, position: Int)
    case unknownField(String, position: Int)
    case unknownFilter(String, position: Int)

    package var description: String {
        switch self {
        case .empty: "the topic is empty"
        case .unclosed(let position): "the `{` at character \(position) is never closed"
        case .illegalCharacter(let character, let position):
            "`\(character)` at character \(position) is not allowed in a topic: use letters, digits, `.`, `_`, `-`"
        case .unknownField(let name, let position):
            "`{\(name)}` at character \(position) is not a field a topic can be made of: "
                + "use \(TopicTemplate.Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", "))"
        case .unknownFilter(let name, let position):
            "`\(name)` at character \(position) is not a filter: "
                + "use \(TopicTemplate.Filter.allCases.map(\.rawValue).joined(separator: ", "))"
        }
    }
}
