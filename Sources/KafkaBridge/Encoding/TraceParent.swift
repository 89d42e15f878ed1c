/// The header `traceparent`: version 00, then trace, parent and flags in lower-case hexadecimal.
///
/// Source: W3C Trace Context, "Versioning of traceparent".
enum TraceParent {
    private static let length = 55
    /// The longest text of a later version that is looked at.
    private static let longest = 512

    /// One as it goes on: as it is, or made of the part that this version knows of a later one's; `nil` where a text is none.
    static func read(_ bytes: RawSpan) -> InlineArray<55, UInt8>? {
        guard (length...longest).contains(bytes.byteCount) else { return nil }
        return bytes.withUnsafeBytes { text -> InlineArray<55, UInt8>? in
            for (index, byte) in text.prefix(length).enumerated() {
                switch index {
                case 2, 35, 52: if byte != UInt8(ascii: "-") { return nil }
                default:
                    guard (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) else { return nil }
                }
            }
            let isLater = text[0] != 0x30 || text[1] != 0x30
            if isLater {
                // Version ff is none.
                if text[0] == UInt8(ascii: "f"), text[1] == UInt8(ascii: "f") { return nil }
                if text.count > length, text[length] != UInt8(ascii: "-") { return nil }
            } else if text.count != length {
                return nil
            }
            // All zeros stand for none.
            guard text[3..<35].contains(where: { $0 != 0x30 }), text[36..<52].contains(where: { $0 != 0x30 }) else {
                return nil
            }
            var copy = InlineArray<55, UInt8>(repeating: 0x30)
            for index in 0..<length { copy[index] = text[index] }
            if isLater {
                (copy[0], copy[1], copy[53]) = (0x30, 0x30, 0x30)
                // Of the flags only whether the trace is sampled is known.
                copy[54] = isSampled(text[54]) ? 0x31 : 0x30
            }
            return copy
        }
    }

    /// The lowest bit of a hexadecimal digit: of `a` to `f`, whose codes begin with an odd one, the other way round.
    private static func isSampled(_ digit: UInt8) -> Bool {
        digit < 0x40 ? digit & 1 == 1 : digit & 1 == 0
    }

    /// One for an event that knows only its trace: 32 hexadecimal digits. The parent is made of the event's id, so that it is the same
    /// whenever the record is; nobody has decided to sample it.
    static func made(traceID: RawSpan, eventID: RawSpan) -> InlineArray<55, UInt8>? {
        guard traceID.byteCount == 32 else { return nil }
        var text = InlineArray<55, UInt8>(repeating: UInt8(ascii: "0"))
        for index in [2, 35, 52] { text[index] = UInt8(ascii: "-") }
        var isZero = true
        for index in 0..<32 {
            var digit = traceID.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            if (0x41...0x46).contains(digit) { digit += 0x20 }
            guard (0x30...0x39).contains(digit) || (0x61...0x66).contains(digit) else { return nil }
            if digit != 0x30 { isZero = false }
            text[3 + index] = digit
        }
        if isZero { return nil }
        let id = UUIDWords(eventID)
        var parent = id.high ^ id.low
        if parent == 0 { parent = 1 }
        for index in 0..<16 {
            text[36 + index] = JSONWriter.digit(UInt8(truncatingIfNeeded: parent >> UInt64(60 - 4 * index)) & 15)
        }
        return text
    }
}

/// The two halves of a UUID's 16 bytes; what is missing reads as zero.
struct UUIDWords {
    private(set) var high: UInt64 = 0
    private(set) var low: UInt64 = 0

    init(_ uuid: RawSpan) {
        for index in 0..<min(16, uuid.byteCount) {
            let byte = UInt64(uuid.unsafeLoad(fromByteOffset: index, as: UInt8.self))
            if index < 8 { high |= byte << (56 - 8 * index) } else { low |= byte << (120 - 8 * index) }
        }
    }
}
