import NIOHTTP1

/// What a request's headers say of the browser that sent it: its session, and from which page it comes. A pure value.
struct RequestOrigin: Sendable {
    /// The id of the session; `nil` where the browser brings none.
    let sessionID: String?
    /// Whether nothing that the browser says speaks against one of these pages as the sender. Other programs say nothing.
    let isOwn: Bool
    /// Whether a link of another site led here: then the browser has kept the session's cookie back.
    let isFollowedLink: Bool
    /// Whether the browser speaks TLS, to a proxy before this port.
    let isSecure: Bool
    /// What this port is called in the browser's address line, without the port; empty where it does not say.
    let hostName: String
    private let cookieName: String

    /// A cookie belongs to a host, whatever its port; two processes on one host must not end each other's sessions.
    static func cookieName(host: String) -> String {
        let port = host.split(separator: ":").last.map(String.init) ?? ""
        return "godwit_" + (!port.isEmpty && port.utf8.count <= 5 && port.allSatisfy(\.isNumber) ? port : "session")
    }

    init(_ headers: HTTPHeaders) {
        let host = (headers.first(name: "host") ?? "").lowercased()
        let forwarded = headers.first(name: "x-forwarded-host")?.lowercased()
        cookieName = Self.cookieName(host: host)
        isSecure = headers.first(name: "x-forwarded-proto")?.lowercased() == "https"
        let site = headers.first(name: "sec-fetch-site")?.lowercased()
        isFollowedLink = site == "cross-site" || site == "same-site"
        hostName = Self.name(host)
        var isOwn = site == nil || site == "same-origin" || site == "none"
        if let origin = headers.first(name: "origin")?.lowercased() {
            let parts = origin.split(separator: "/", omittingEmptySubsequences: false)
            // No page of another site can make a browser send `x-forwarded-host`.
            let sender = parts.count == 3 && parts[1].isEmpty ? String(parts[2]) : ""
            isOwn = isOwn && !sender.isEmpty && (sender == host || sender == forwarded)
        }
        self.isOwn = isOwn
        var found: String?
        for header in headers["cookie"] {
            for pair in header.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == cookieName else { continue }
                // The first one counts, which is the one of the longest path, and there is none but `/`.
                found = found ?? String(parts[1].prefix(100))
            }
        }
        sessionID = found
    }

    private static func name(_ host: String) -> String {
        if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
        return String(host.prefix { $0 != ":" })
    }

    /// The header that gives a browser its session.
    func cookie(_ id: String) -> String {
        "\(cookieName)=\(id); Path=/; Max-Age=\(Session.longest.components.seconds); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }

    /// The header that takes it away.
    var endOfCookie: String { "\(cookieName)=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict" }
}

/// A path on this port, for going back to after signing in: nothing else is ever a place to send a browser to.
enum LocalPath {
    /// The path with its query where it is one of this port and safe in a header; else `/`.
    static func safe(_ text: String?) -> String {
        guard let text, text.first == "/", text.utf8.count <= 2_000 else { return "/" }
        // `//host` and `/\host` are addresses of other hosts for browsers, which drop control characters and spaces.
        let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }
        let second = text.dropFirst().first
        guard isPlain, second != "/" else { return "/" }
        for own in ["/signin", "/signout", "/api/"] where text.hasPrefix(own) { return "/" }
        return text
    }
}
