/// Finds a text in bytes without a look at each of them.
///
/// Source: Horspool, "Practical fast searching in strings" (1980).
struct ByteSearch: Sendable {
    private let text: [UInt8]
    /// By the byte under the text's last one: how far the text can be moved on.
    private let steps: [UInt8]

    /// - Parameter text: 1 to 255 bytes.
    init(_ text: String) {
        self.text = Array(text.utf8)
        precondition((1...255).contains(self.text.count), "no text to look for")
        var steps = [UInt8](repeating: UInt8(self.text.count), count: 256)
        for (index, byte) in self.text.dropLast().enumerated() { steps[Int(byte)] = UInt8(self.text.count - 1 - index) }
        self.steps = steps
    }

    func finds(_ bytes: RawSpan) -> Bool {
        bytes.withUnsafeBytes { bytes in
            let last = text.count - 1
            var end = last
            while end < bytes.count {
                let byte = bytes[end]
                if byte == text[last], bytes[(end - last)..<end].elementsEqual(text[..<last]) { return true }
                end += Int(steps[Int(byte)])
            }
            return false
        }
    }
}
