/// Where the tokens of SASL OAUTHBEARER come from.
///
/// Debian's librdkafka is built without libcurl and so without its own `sasl.oauthbearer.method=oidc`.
package struct TokenSource: Sendable, Equatable {
    package enum Origin: Sendable, Equatable {
        /// Read again whenever a token is about to expire: another program renews it.
        case file(String)
        case endpoint(TokenEndpoint)
    }

    package var origin: Origin
    /// SASL extensions that the broker asks for, such as `logicalCluster`.
    package var extensions: [String: String]

    package init(_ origin: Origin, extensions: [String: String] = [:]) {
        self.origin = origin
        self.extensions = extensions
    }
}

/// An OAuth 2 token endpoint that is asked with the client's own credentials (RFC 6749, 4.4).
package struct TokenEndpoint: Sendable, Equatable {
    package let url: TokenURL
    package let clientID: String
    package let clientSecret: String
    /// A file that holds the secret, read again for each token; nil where there is none.
    package var clientSecretFile: String?
    package let scope: String?
    /// PEM file with the authorities that the endpoint's certificate may come from; nil takes the system's.
    package let authoritiesFile: String?

    /// The secret of this moment.
    var currentSecret: String { clientSecretFile.flatMap(ClientConfiguration.secret) ?? clientSecret }

    package init(
        url: TokenURL, clientID: String, clientSecret: String, scope: String? = nil, authoritiesFile: String? = nil
    ) {
        self.url = url
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.scope = scope
        self.authoritiesFile = authoritiesFile
    }
}

/// The address of a token endpoint: HTTPS, or HTTP on this machine only, since a secret is sent there.
package struct TokenURL: Sendable, Equatable, CustomStringConvertible {
    package let isSecure: Bool
    package let host: String
    package let port: UInt16
    /// Path and query.
    package let target: String

    /// Nil where the text is no such address; credentials in it are no part of one.
    package init?(_ text: String) {
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let isClean = rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !rest.contains("#") && !rest.contains("@")
        guard isClean else { return nil }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest.dropFirst(authority.count)
        var host = authority
        var port: UInt16 = isSecure ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = portNumber(authority[authority.index(after: colon)...]) else { return nil }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        guard isSecure || LoopbackHost.contains(host) else { return nil }
        self.isSecure = isSecure
        self.host = String(host)
        self.port = port
        target = path.hasPrefix("/") ? String(path) : "/" + path
    }

    /// Without the query, which may hold anything.
    package var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(isSecure ? "https" : "http")://\(name):\(port)\(target.prefix { $0 != "?" })"
    }
}
