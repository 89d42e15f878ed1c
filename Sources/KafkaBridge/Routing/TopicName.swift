/// A name that Kafka accepts for a topic: 1 to 249 letters, digits, `.`, `_` and `-`, not `.` or `..`.
package struct TopicName: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package static let maximumLength = 249

    /// Replaces every character that is not legal by `_`.
    package init(sanitizing text: String) throws(TopicNameError) {
        var name = ""
        name.reserveCapacity(text.utf8.count)
        for character in text { name.append(Self.isLegal(character) ? character : "_") }
        if name.isEmpty || name == "." || name == ".." { throw .reserved(name) }
        // Every character is one byte now.
        if name.utf8.count > Self.maximumLength { throw .tooLong(name.utf8.count) }
        description = name
    }

    /// Names that are equal here collide in Kafka's metrics, so brokers refuse to have both.
    package var metricName: String { String(description.map { $0 == "." ? "_" : $0 }) }

    package static func isLegal(_ character: Character) -> Bool {
        guard let byte = character.asciiValue else { return false }
        return switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// Why an event's fields make no topic.
package enum TopicNameError: Error, Sendable, Hashable, CustomStringConvertible {
    case emptyField(String)
    case reserved(String)
    case tooLong(Int)

    package var description: String {
        switch self {
        case .emptyField(let field): "the event's \(field) is empty, and the topic is made of it"
        case .reserved(let name): "`\(name)` is not a topic's name"
        case .tooLong(let length): "the topic would have \(length) characters; Kafka allows \(TopicName.maximumLength)"
        }
    }
}
