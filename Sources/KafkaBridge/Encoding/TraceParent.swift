/// The header `traceparent`: version 00, then trace, parent and flags in lower-case hexadecimal.
enum TraceParent {
    /// Whether a text is one.
    static func isOne(_ bytes: RawSpan) -> Bool {
        guard bytes.byteCount == 55 else { return false }
        return bytes.withUnsafeBytes { text in
            for (index, byte) in text.enumerated() {
                switch index {
                case 0, 1: if byte != UInt8(ascii: "0") { return false }
                case 2, 35, 52: if byte != UInt8(ascii: "-") { return false }
                default:
                    guard (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) else { return false }
                }
            }
            // All zeros stand for none.
            return text[3..<35].contains { $0 != 0x30 } && text[36..<52].contains { $0 != 0x30 }
        }
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
