/// A UUID's 16 bytes as text in lower case, without an allocation.
struct UUIDText {
    static let length = 36
    private(set) var bytes = InlineArray<36, UInt8>(repeating: UInt8(ascii: "-"))

    /// - Parameter uuid: 16 bytes; what is missing reads as zero.
    init(_ uuid: RawSpan) {
        var (high, low): (UInt64, UInt64) = (0, 0)
        if uuid.byteCount >= 16 {
            high = UInt64(bigEndian: uuid.unsafeLoadUnaligned(as: UInt64.self))
            low = UInt64(bigEndian: uuid.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self))
        } else {
            for index in 0..<uuid.byteCount {
                let byte = UInt64(uuid.unsafeLoad(fromByteOffset: index, as: UInt8.self))
                if index < 8 { high |= byte << (56 - 8 * index) } else { low |= byte << (120 - 8 * index) }
            }
        }
        let first = Self.digits(UInt32(truncatingIfNeeded: high >> 32))
        let second = Self.digits(UInt32(truncatingIfNeeded: high))
        let third = Self.digits(UInt32(truncatingIfNeeded: low >> 32))
        let fourth = Self.digits(UInt32(truncatingIfNeeded: low))
        withUnsafeMutableBytes(of: &bytes) { text in
            text.storeBytes(of: first, toByteOffset: 0, as: UInt64.self)
            text.storeBytes(of: UInt32(truncatingIfNeeded: second), toByteOffset: 9, as: UInt32.self)
            text.storeBytes(of: UInt32(truncatingIfNeeded: second >> 32), toByteOffset: 14, as: UInt32.self)
            text.storeBytes(of: UInt32(truncatingIfNeeded: third), toByteOffset: 19, as: UInt32.self)
            text.storeBytes(of: UInt32(truncatingIfNeeded: third >> 32), toByteOffset: 24, as: UInt32.self)
            text.storeBytes(of: fourth, toByteOffset: 28, as: UInt64.self)
        }
    }

    /// The eight hexadecimal digits of a number, all at once: the first is the lowest byte, as it lies in memory on a
    /// little-endian machine.
    private static func digits(_ number: UInt32) -> UInt64 {
        // One half-byte to each byte.
        var digits = UInt64(number)
        digits = (digits << 16 | digits) & 0x0000_ffff_0000_ffff
        digits = (digits << 8 | digits) & 0x00ff_00ff_00ff_00ff
        digits = (digits << 4 | digits) & 0x0f0f_0f0f_0f0f_0f0f
        // Those above 9 are letters: 39 further than the digits.
        let letters = ((digits &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return (digits &+ 0x3030_3030_3030_3030 &+ letters &* 39).byteSwapped.littleEndian
    }
}
