#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Bytes as text: as SCRAM writes them, and in the unpadded form for URLs of tokens and of Kafka's ids.
enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
    static func decode(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map(Array.init) }

    static func encodeURL(_ bytes: [UInt8]) -> String {
        encode(bytes).replacing("+", with: "-").replacing("/", with: "_").filter { $0 != "=" }
    }

    static func decodeURL(_ text: Substring) -> [UInt8]? {
        let base64 = String(text).replacing("-", with: "+").replacing("_", with: "/")
        return decode(base64 + String(repeating: "=", count: (4 - base64.count % 4) % 4))
    }
}
