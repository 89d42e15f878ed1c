/// A text of the configuration as it may be shown, where it is no secret by its key but may hold one all the same: an address
/// with a password in it, a query or an argument that names one.
enum Concealed {
    private static let words = [
        "password", "passwd", "pwd", "secret", "token", "credential", "api_key", "apikey", "access_key", "accesskey",
    ]
    private static let hidden = "(hidden)"

    static func text(_ text: String) -> String {
        withoutUserInformation(withoutNamedSecrets(text))
    }

    /// The words of a command: what follows an option such as `--password` is hidden too.
    static func list(_ items: [String]) -> [String] {
        var isSecretNext = false
        return items.map { item in
            defer { isSecretNext = item.hasPrefix("-") && !item.contains("=") && names(item.lowercased()) }
            return isSecretNext ? hidden : text(item)
        }
    }

    private static func names(_ text: some StringProtocol) -> Bool { words.contains { text.contains($0) } }

    /// `https://user:password@host` and `user:password@host` without what is before the `@`.
    private static func withoutUserInformation(_ text: String) -> String {
        guard let end = text.lastIndex(of: "@"), text[..<end].contains(":") else { return text }
        let scheme = text.prefix { $0.isLetter || $0 == "_" || $0 == "+" }
        let isURL = text[scheme.endIndex...].hasPrefix("://")
        return (isURL ? scheme + "://" : "") + hidden + text[end...]
    }

    /// Nothing behind the first `password=` or `Authorization:`: what ends the value depends on the program that reads it.
    private static func withoutNamedSecrets(_ text: String) -> String {
        for scheme in ["Bearer ", "Basic ", "bearer ", "basic "] {
            if let found = text.firstRange(of: scheme) { return text[..<found.upperBound] + hidden }
        }
        for index in text.indices where text[index] == "=" || text[index] == ":" {
            let name = text[..<index].reversed().prefix { $0.isLetter || $0.isNumber || "_-. \"".contains($0) }
            if names(String(name.reversed()).lowercased()) { return text[...index] + hidden }
        }
        return text
    }
}
