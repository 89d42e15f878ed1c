extension TopicTemplate {
    static func parse(_ text: String) throws(TopicTemplateError) -> [Part] {
        var parts: [Part] = []
        var literal = ""
        var rest = text[...]
        while let character = rest.first {
            let position = text.distance(from: text.startIndex, to: rest.startIndex) + 1
            if character == "{" {
                guard let end = rest.firstIndex(of: "}") else { throw .unclosed(position: position) }
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(try parseField(rest[rest.index(after: rest.startIndex)..<end], position))
                rest = rest[rest.index(after: end)...]
            } else {
                guard TopicName.isLegal(character) else {
                    throw .illegalCharacter(String(character), position: position)
                }
                literal.append(character)
                rest = rest.dropFirst()
            }
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        guard !parts.isEmpty else { throw .empty }
        return parts
    }

    private static func parseField(_ text: Substring, _ position: Int) throws(TopicTemplateError) -> Part {
        let words = text.split(separator: "|", omittingEmptySubsequences: false).map(trimmed)
        guard let field = Field(rawValue: words[0]) else {
            throw .unknownField(words[0], position: position)
        }
        var filters: [Filter] = []
        for word in words.dropFirst() {
            guard let filter = Filter(rawValue: word) else { throw .unknownFilter(word, position: position) }
            filters.append(filter)
        }
        return .field(field, filters)
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
