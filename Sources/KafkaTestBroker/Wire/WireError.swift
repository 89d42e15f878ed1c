/// Why bytes from a client could not be read as the message they claim to be.
struct WireError: Error, Hashable, CustomStringConvertible {
    let description: String

    static let truncated = WireError(description: "the message ends before its last field")
    static let badLength = WireError(description: "a length is negative or longer than the message")
    static let unexpectedNull = WireError(description: "a field that must have a value is null")
    static let badVarint = WireError(description: "a variable-length number is too long")
    static let badCompression = WireError(description: "compressed records cannot be decompressed")
    static let badRecord = WireError(description: "a record is malformed")
}
