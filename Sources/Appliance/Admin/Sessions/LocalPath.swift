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
