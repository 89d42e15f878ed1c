import EventSourcing

/// Lays out JSON text over lines, and leaves everything else as it was written: digits, escapes, repeated names.
enum JSONLayout {
    /// - Parameter most: no more lines are made, since many short ones that are deep take much more room than the text.
    /// - Returns: the lines; `nil` where the bytes are no JSON text.
    static func lines(_ bytes: [UInt8], atMost most: Int = .max) -> [String]? {
        guard JSONText.isValid(bytes.span.bytes) else { return nil }
        var lines: [[UInt8]] = [[]]
        var depth = 0
        var isInText = false
        var isEscaped = false
        func breakLine() { lines.append(Array(repeating: UInt8(ascii: " "), count: 2 * depth)) }
        for (index, byte) in bytes.enumerated() {
            if lines.count > most { break }
            if isInText {
                lines[lines.count - 1].append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
                continue
            }
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                lines[lines.count - 1].append(byte)
                depth += 1
                if !isEmpty(bytes, behind: index) { breakLine() }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if !isEmpty(bytes, before: index) { breakLine() }
                lines[lines.count - 1].append(byte)
            case UInt8(ascii: ","):
                lines[lines.count - 1].append(byte)
                breakLine()
            case UInt8(ascii: ":"): lines[lines.count - 1] += [byte, 0x20]
            default:
                if byte == UInt8(ascii: "\"") { isInText = true }
                lines[lines.count - 1].append(byte)
            }
        }
        return lines.prefix(most).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    /// Whether an object or array that was opened ends at once.
    private static func isEmpty(_ bytes: [UInt8], behind index: Int) -> Bool {
        let next = bytes[(index + 1)...].first { !isSpace($0) }
        return next == UInt8(ascii: "}") || next == UInt8(ascii: "]")
    }

    private static func isEmpty(_ bytes: [UInt8], before index: Int) -> Bool {
        let previous = bytes[..<index].last { !isSpace($0) }
        return previous == UInt8(ascii: "{") || previous == UInt8(ascii: "[")
    }
}
