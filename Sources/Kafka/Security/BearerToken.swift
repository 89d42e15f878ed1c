internal import FoundationEssentials

/// A token as SASL OAUTHBEARER sends it, with what the client has to know of it. A pure value.
package struct BearerToken: Sendable, Equatable {
    package let text: String
    /// Milliseconds since 1970.
    package let expiry: Int64
    /// Whom the token names; brokers do not look at what the client says here.
    package let principal: String

    /// A token that does not say when it expires is looked at again after this long.
    static let unknownLifetime: Int64 = 300_000

    /// Reads a token: of a JWT the claims `exp` and `sub`, of any other nothing.
    ///
    /// - Parameter lifetime: What the endpoint said in milliseconds, for a token that does not say itself.
    package init(_ text: String, lifetime: Int64? = nil, now: Int64) throws(TokenFailure) {
        guard !text.isEmpty else { throw TokenFailure("holds no token") }
        guard Self.isToken(text) else { throw TokenFailure("holds something else than a token") }
        self.text = text
        let claims = Self.claims(text)
        principal = claims?.subject.flatMap { $0.isEmpty ? nil : $0 } ?? "godwit"
        expiry = claims?.expiry ?? now + (lifetime ?? Self.unknownLifetime)
        guard expiry > now else {
            throw TokenFailure("holds a token that expired \((now - expiry) / 1000) s ago; have it renewed")
        }
    }

    /// The characters of RFC 6750; anything else could add fields to the SASL message.
    private static func isToken(_ text: String) -> Bool {
        let body = text.reversed().drop { $0 == "=" }
        return !body.isEmpty
            && body.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._~+/".contains($0)) }
    }

    private struct Claims: Decodable {
        let exp: Double?
        let sub: String?
    }

    private static func claims(_ text: String) -> (expiry: Int64?, subject: String?)? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var base64 = String(parts[1]).replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.count % 4) % 4)
        guard let bytes = Data(base64Encoded: base64),
            let claims = try? JSONDecoder().decode(Claims.self, from: bytes)
        else { return nil }
        let expiry = claims.exp.flatMap { $0.isFinite && abs($0) < 1e12 ? Int64($0 * 1000) : nil }
        return (expiry, claims.sub)
    }
}

/// Why there is no token, without any of it.
package struct TokenFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
