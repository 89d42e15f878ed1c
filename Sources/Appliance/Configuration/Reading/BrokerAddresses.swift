import Kafka

/// The list of brokers to begin with. librdkafka takes a mistyped address silently and then finds no broker for ever.
enum BrokerAddresses {
    /// What is wrong with the list, as the end of a sentence. A list that may hold a password is not shown.
    static func flaw(of list: String) -> String? {
        // A password may hold a comma.
        if list.contains("@") {
            return "holds an @; user and password belong in \"kafka.sasl\", the list is host:port alone"
        }
        return list.split(separator: ",", omittingEmptySubsequences: false).lazy.compactMap { flaw(ofOne: trimmed($0)) }
            .first
    }

    /// The addresses that are named more than once, whether with the port 9092 or without.
    static func repeated(in list: String) -> [String] {
        var seen: Set<String> = []
        var repeated: [String] = []
        for item in list.split(separator: ",").map(trimmed) {
            let address = item.lowercased()
            let isWhole = address.contains(":") && !address.hasSuffix("]")
            if !seen.insert(isWhole ? address : address + ":9092").inserted, !repeated.contains(String(item)) {
                repeated.append(String(item))
            }
        }
        return repeated
    }

    /// Whether all of them are this machine.
    static func areLoopback(_ list: String) -> Bool {
        list.split(separator: ",").map(trimmed).allSatisfy { item in
            if item.hasPrefix("[") { return item.hasPrefix("[::1]") }
            return LoopbackHost.contains(item.prefix { $0 != ":" })
        }
    }

    private static func flaw(ofOne address: Substring) -> String? {
        guard !address.isEmpty else { return "holds an empty address; write host:port, several separated by commas" }
        if let scheme = address.firstRange(of: "://") {
            return
                "holds an address that begins with \(address[..<scheme.upperBound]); write host:port alone, and say by "
                + "\"kafka.tls\" and \"kafka.sasl\" how the brokers are reached"
        }
        var host = address
        if let colon = address.lastIndex(of: ":"), !address.hasSuffix("]") {
            host = address[..<colon]
            let port = address[address.index(after: colon)...]
            if host.contains(":"), !host.hasPrefix("[") {
                return "holds the IPv6 address \(address) without brackets; write [\(host)]:\(port)"
            }
            guard portNumber(port) != nil else { return "holds \(address), whose port is not 1 to 65535" }
            if host.isEmpty { return "holds \(address), which names no host" }
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let isAddress =
                host.contains(":")
                && host.dropFirst().dropLast().allSatisfy {
                    $0.isHexDigit && $0.isASCII || ":.%".contains($0)
                }
            return isAddress ? nil : "holds \(address), where brackets are for IPv6 addresses"
        }
        return isHost(host) ? nil : "holds \(address), whose host is no name and no address"
    }

    /// Labels between dots, or four numbers; a name whose last label is a number is none.
    private static func isHost(_ host: Substring) -> Bool {
        let name = host.hasSuffix(".") ? host.dropLast() : host
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let areLabels = labels.allSatisfy { label in
            !label.isEmpty && label.contains { $0 != "-" }
                && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
        }
        guard areLabels, let last = labels.last else { return false }
        guard last.allSatisfy(\.isNumber) else { return true }
        return labels.count == 4 && labels.allSatisfy { UInt8($0) != nil }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
