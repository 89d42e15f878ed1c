/// A name, or a pattern of names in which `*` stands for any text, also for none.
public struct NamePattern: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The pattern as it was written.
    public let description: String
    private let bytes: [UInt8]

    /// Any text is a pattern; one without `*` is a name.
    public init(_ text: String) {
        description = text
        bytes = Array(text.utf8)
    }

    /// A pattern that is written out in code.
    public init(stringLiteral text: String) { self.init(text) }

    /// Whether it matches exactly one name.
    package var isName: Bool { !bytes.contains(UInt8(ascii: "*")) }

    /// The pattern for SQL's LIKE with `\` as the escape.
    package var like: String {
        var text = ""
        for scalar in description.unicodeScalars {
            switch scalar {
            case "*": text += "%"
            case "%", "_", "\\":
                text += "\\"
                text.unicodeScalars.append(scalar)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    package func matches(_ name: String) -> Bool { matches(Array(name.utf8).span.bytes) }

    /// Linear but for the last `*`, which is the only one that has to be tried again.
    package func matches(_ name: RawSpan) -> Bool {
        name.withUnsafeBytes { text in
            var (textIndex, patternIndex) = (0, 0)
            var star: (pattern: Int, text: Int)?
            while textIndex < text.count {
                if patternIndex < bytes.count, bytes[patternIndex] == UInt8(ascii: "*") {
                    star = (patternIndex, textIndex)
                    patternIndex += 1
                } else if patternIndex < bytes.count, bytes[patternIndex] == text[textIndex] {
                    patternIndex += 1
                    textIndex += 1
                } else if let last = star {
                    star = (last.pattern, last.text + 1)
                    patternIndex = last.pattern + 1
                    textIndex = last.text + 1
                } else {
                    return false
                }
            }
            return bytes[patternIndex...].allSatisfy { $0 == UInt8(ascii: "*") }
        }
    }
}
