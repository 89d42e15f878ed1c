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

    /// The identifier as Kafka's tools print it.
    var base64: String {
        Base64.encodeURL([high, low].flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } })
    }
}
