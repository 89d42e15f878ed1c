/// A UUID's 16 bytes as text in lower case, without an allocation.
struct UUIDText {
    static let length = 36
    private(set) var bytes = InlineArray<36, UInt8>(repeating: UInt8(ascii: "-"))

    /// - Parameter uuid: 16 bytes; what is missing reads as zero.
    init(_ uuid: RawSpan) {
        var target = 0
        for index in 0..<16 {
            if index == 4 || index == 6 || index == 8 || index == 10 { target += 1 }
            let byte = index < uuid.byteCount ? uuid.unsafeLoad(fromByteOffset: index, as: UInt8.self) : 0
            bytes[target] = Self.digit(byte >> 4)
            bytes[target + 1] = Self.digit(byte & 15)
            target += 2
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
