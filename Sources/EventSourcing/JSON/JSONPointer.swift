/// A place in a JSON document, such as `/address/country`; the empty text is the document itself.
///
/// Source: RFC 6901, JavaScript Object Notation (JSON) Pointer.
public struct JSONPointer: Sendable, Hashable, CustomStringConvertible {
    /// The pointer as it was written.
    public let description: String
    /// The names and indices on the way, without escapes.
    package let tokens: [String]

    /// - Throws: ``JSONPointerError``, saying what is wrong and where.
    public init(_ text: String) throws(JSONPointerError) {
        description = text
        if text.isEmpty {
            tokens = []
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { throw .noSlash }
        var tokens: [String] = []
        // By bytes, since a combining mark would hide the slash before it from `Character`.
        for part in text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            var token: [UInt8] = []
            var rest = part[...]
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "~") else {
                    token.append(byte)
                    continue
                }
                switch rest.popFirst() {
                case UInt8(ascii: "0"): token.append(UInt8(ascii: "~"))
                case UInt8(ascii: "1"): token.append(UInt8(ascii: "/"))
                default: throw .escape
                }
            }
            tokens.append(String(decoding: token, as: UTF8.self))
        }
        guard tokens.count <= JSONText.maximumDepth else { throw .tooDeep(tokens.count) }
        self.tokens = tokens
    }
}

/// What is wrong with the text of a pointer.
public enum JSONPointerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The text does not begin with a slash.
    case noSlash
    /// A `~` that is followed by neither 0 nor 1.
    case escape
    /// More steps than a text may be deep.
    case tooDeep(Int)

    /// In words, to follow the pointer.
    public var description: String {
        switch self {
        case .noSlash: "a JSON pointer begins with `/`, for example /customer/country"
        case .escape: "a `~` in a JSON pointer is written `~0`, and a `/` in a name `~1`"
        case .tooDeep(let count): "has \(count) steps, and a JSON text may be \(JSONText.maximumDepth) deep"
        }
    }
}
