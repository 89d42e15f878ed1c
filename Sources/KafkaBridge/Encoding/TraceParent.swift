/// Tells whether a trace id is a W3C `traceparent`: version 00, then trace, parent and flags in lower-case hexadecimal.
enum TraceParent {
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
}
