extension BrokerConfiguration {
    /// Reads `host:port`; an IPv6 address is in brackets.
    public static func address(_ text: String) throws(BrokerError) -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port), colon != text.startIndex
        else {
            throw BrokerError(.configuration, "'\(text)' is no address; write host:port, as 127.0.0.1:9092")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (String(host), port)
    }

    /// Reads users, each as `name:password`.
    public static func users(_ texts: [String]) throws(BrokerError) -> [String: String] {
        var users: [String: String] = [:]
        for text in texts {
            guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
                throw BrokerError(.configuration, "a user is written name:password")
            }
            users[String(text[..<colon])] = String(text[text.index(after: colon)...])
        }
        return users
    }
}

extension BrokerConfiguration.FsyncPolicy {
    /// Reads `never`, `always`, or an interval in milliseconds.
    public init(text: String) throws(BrokerError) {
        switch text {
        case "never": self = .never
        case "always": self = .always
        default:
            guard let milliseconds = Int64(text), milliseconds > 0 else {
                throw BrokerError(
                    .configuration, "'\(text)' is no fsync policy; write never, always, or milliseconds")
            }
            self = .interval(.milliseconds(milliseconds))
        }
    }
}
