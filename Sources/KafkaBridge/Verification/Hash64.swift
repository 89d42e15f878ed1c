/// A 64-bit hash of some bytes: FNV-1a, whose bits are mixed at the end.
///
/// Source: Fowler, Noll and Vo, "FNV Hash"; the mixing is the finalizer of SplitMix64.
struct Hash64: Sendable {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Takes in bytes that others may follow: `ab` and `c` give another hash than `a` and `bc`.
    mutating func mix(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { for byte in unsafe $0 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 } }
        state = (state ^ UInt64(truncatingIfNeeded: bytes.byteCount)) &* 0x100_0000_01b3
    }

    /// Never 0, which stands for a hash that is not known.
    var value: UInt64 {
        var value = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return max(1, value ^ (value >> 31))
    }

    static func of(_ bytes: RawSpan) -> UInt64 {
        var hash = Hash64()
        hash.mix(bytes)
        return hash.value
    }
}
