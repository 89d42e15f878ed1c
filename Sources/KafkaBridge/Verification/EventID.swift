/// An event's id in 16 bytes.
struct EventID: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    /// - Parameter bytes: 16 bytes; what is missing reads as zero.
    init(_ bytes: RawSpan) {
        guard bytes.byteCount == 16 else {
            (high, low) = (0, 0)
            return
        }
        high = UInt64(bigEndian: bytes.unsafeLoadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// A UUID as text, in either case; nil for anything else.
    init?(text: [UInt8]) {
        guard text.count == 36 else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (index, byte) in text.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Self.digit(byte) else { return nil }
            if digits < 16 { halves.0 = halves.0 << 4 | digit } else { halves.1 = halves.1 << 4 | digit }
            digits += 1
        }
        (high, low) = halves
    }

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// In lower case.
    var text: String {
        var bytes: [UInt8] = []
        for half in [high, low] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: half >> shift)) }
        }
        let text = UUIDText(bytes.span.bytes)
        return String(copying: text.bytes.span.bytes)
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
