/// What a request must bring to change something.
struct AdminToken: Sendable {
    private let bytes: [UInt8]

    /// - Parameter text: as configured; `nil` when nothing can be changed over the admin port.
    init?(_ text: String?) {
        guard let text, !text.isEmpty else { return nil }
        bytes = Array(text.utf8)
    }

    /// Compares in a time that does not tell how much of the text is right.
    func matches(_ text: String?) -> Bool {
        let given = Array((text ?? "").utf8)
        var difference = UInt(bitPattern: given.count ^ bytes.count)
        for index in bytes.indices {
            difference |= UInt(bytes[index] ^ (index < given.count ? given[index] : ~bytes[index]))
        }
        return difference == 0
    }
}
