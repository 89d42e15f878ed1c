import COpenSSL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The token of a SASL OAUTHBEARER message (RFC 7628), checked: a JWT signed with HS256 that has not expired.
enum SignedToken {
    private struct Claims: Decodable {
        let exp: Double
    }

    /// Whether the client's message holds a token that was signed with the secret.
    static func isAllowed(_ message: [UInt8], secret: String, now: Double) -> Bool {
        // `n,a=…,`, then fields between bytes of 1, one of them `auth=Bearer TOKEN`.
        let fields = message.split(separator: 1).map { String(decoding: $0, as: UTF8.self) }
        guard fields.first?.hasPrefix("n,") == true,
            let bearer = fields.first(where: { $0.hasPrefix("auth=Bearer ") })
        else { return false }
        let parts = bearer.dropFirst("auth=Bearer ".count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Base64.decodeURL(parts[2]), let claims = Base64.decodeURL(parts[1])
        else { return false }
        let expected = mac(Array("\(parts[0]).\(parts[1])".utf8), secret: secret)
        guard signature.count == expected.count, CRYPTO_memcmp(signature, expected, expected.count) == 0,
            let claims = try? JSONDecoder().decode(Claims.self, from: Data(claims))
        else { return false }
        return claims.exp > now
    }

    /// A token as ``isAllowed(_:secret:now:)`` wants it.
    static func make(subject: String, expiry: Int64, secret: String) -> String {
        let header = Base64.encodeURL(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        let name = subject.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        let claims = Base64.encodeURL(Array(#"{"sub":"\#(name)","exp":\#(expiry)}"#.utf8))
        return "\(header).\(claims).\(Base64.encodeURL(mac(Array("\(header).\(claims)".utf8), secret: secret)))"
    }

    private static func mac(_ message: [UInt8], secret: String) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 32
        HMAC(EVP_sha256(), secret, Int32(secret.utf8.count), message, message.count, &result, &length)
        return result
    }
}

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
