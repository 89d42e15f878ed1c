/// A 16-byte identifier in Kafka's wire order.
struct KafkaUUID: Hashable, Sendable, Codable {
    var high: UInt64
    var low: UInt64

    static let zero = KafkaUUID(high: 0, low: 0)

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A fresh random (version 4) identifier.
    static func random() -> KafkaUUID {
        KafkaUUID(
            high: UInt64.random(in: .min ... .max) & 0xFFFF_FFFF_FFFF_0FFF | 0x4000,
            low: UInt64.random(in: .min ... .max) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// The identifier in the unpadded URL-safe base 64 that Kafka's tools print.
    var base64: String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var text = ""
        var pending: UInt32 = 0
        var bits = 0
        for word in [high, low] {
            for shift in stride(from: 56, through: 0, by: -8) {
                pending = pending << 8 | UInt32(truncatingIfNeeded: word >> UInt64(shift)) & 0xFF
                bits += 8
                while bits >= 6 {
                    bits -= 6
                    text.append(alphabet[Int(pending >> UInt32(bits)) & 63])
                }
            }
        }
        text.append(alphabet[Int(pending << UInt32(6 - bits)) & 63])
        return text
    }
}
