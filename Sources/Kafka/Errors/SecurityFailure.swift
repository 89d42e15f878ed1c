/// Says of a refused connection what is wrong, which librdkafka's own texts leave open. A pure value.
struct SecurityFailure: Sendable {
    /// Where certificates and keys are, by property.
    private let files: [String: String]

    init(_ configuration: ClientConfiguration) {
        files = configuration.properties.filter { $0.key.hasPrefix("ssl.") && $0.key.hasSuffix(".location") }
    }

    /// The alerts by which a broker refuses the client's certificate; with TLS 1.3 they come after the handshake and so look
    /// like any other end of a connection.
    private static let alerts: KeyValuePairs = [
        "certificate required": "the broker asks for a client certificate (`kafka.tls.certificate_file`)",
        "unknown ca": "the broker does not trust the authority of the client certificate",
        "bad certificate": "the broker does not accept the client certificate",
        "unsupported certificate": "the broker does not accept this kind of client certificate",
        "certificate expired": "the client certificate has expired",
        "certificate revoked": "the client certificate was revoked",
        "certificate unknown": "the broker does not accept the client certificate",
        "handshake failure": "the broker ends the TLS handshake",
    ]

    /// - Parameter rejection: What was wrong with the last certificate that was not accepted.
    func explain(_ error: KafkaError, rejection: String?) -> KafkaError {
        switch error.code {
        case .configuration: explain(configuration: error)
        case .tls, .transport: explain(connection: error, rejection)
        default: error
        }
    }

    private func explain(connection error: KafkaError, _ rejection: String?) -> KafkaError {
        let text = error.message
        if error.code == .tls, let rejection, text.contains("certificate verify failed") {
            return KafkaError(.tls, message: rejection)
        }
        for (alert, meaning) in Self.alerts where text.contains("alert \(alert)") {
            return KafkaError(.tls, message: "\(meaning): \(text)")
        }
        // A broker that is stopped does so too, and passes.
        if text.contains("unexpected eof"), error.code == .tls || text.contains("in state SSL_HANDSHAKE") {
            return KafkaError(
                .transport, message: "the connection ends in the TLS handshake; is this a PLAINTEXT listener? \(text)")
        }
        return error
    }

    private func explain(configuration error: KafkaError) -> KafkaError {
        var error = error
        for (property, file) in files where error.message.hasPrefix("\(property) failed") {
            let meaning =
                property == "ssl.key.location"
                ? "the key in \(file) cannot be read, or its password is wrong"
                : "no certificate can be read from \(file)"
            error.message = "\(meaning): \(error.message)"
        }
        return error
    }
}
