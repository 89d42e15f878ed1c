import Kafka

/// `admin`: the port for health, metrics and operations.
package struct AdminSection: Sendable {
    package struct Address: Sendable, Equatable, CustomStringConvertible {
        package var host: String
        package var port: UInt16

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

        package var isLoopback: Bool { LoopbackHost.contains(host) }
    }

    /// Nil is no port at all.
    package var listen: Address?
    package var token: String?
    /// Of those who may only look.
    package var viewerToken: String?
    /// Whether payloads, metadata and what is made of them are shown nowhere.
    package var hidesPayloads: Bool

    init(_ values: inout ConfigurationValues) {
        token = values.optionalText("admin.token")
        viewerToken = values.optionalText("admin.viewer_token")
        hidesPayloads = values.text("admin.payloads") == "hidden"
        if let token, token == viewerToken {
            values.problem(
                "admin.viewer_token", .adminToken, "is the operator's token: give viewers another, or none")
        }
        guard let text = values.optionalText("admin.listen") else { return }
        guard let address = Self.address(text) else {
            values.problem(
                "admin.listen", .adminAddress,
                "is \"\(Concealed.text(text))\", but must be an address and a port, for example 127.0.0.1:9464")
            return
        }
        listen = address
        if !address.isLoopback, !values.isGiven("admin.token"), !values.isGiven("admin.viewer_token") {
            values.problem(
                "admin.listen", .adminToken,
                "is not a loopback address: set \"admin.token_file\" too, or listen on 127.0.0.1")
        }
    }

    private static func address(_ text: String) -> Address? {
        guard let colon = text.lastIndex(of: ":"), !text.contains("@") else { return nil }
        // 0 is a port that the system chooses.
        let digits = text[text.index(after: colon)...]
        guard let port = digits == "0" ? 0 : portNumber(digits) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return host.isEmpty ? nil : Address(host: String(host), port: port)
    }
}
