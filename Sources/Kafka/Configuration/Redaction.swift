/// Takes the values of a client's secrets out of text that librdkafka wrote. A pure value.
struct Redaction: Sendable {
    /// The longest first, so that one that holds another goes as a whole.
    private let secrets: [String]

    init(secretsOf configuration: ClientConfiguration) {
        var secrets = configuration.properties.filter { PropertyRule.isSecret($0.key) }.map(\.value)
        if case .endpoint(let endpoint) = configuration.tokens?.origin { secrets.append(endpoint.clientSecret) }
        // What is shorter would take letters out of every word.
        self.secrets = Set(secrets.filter { $0.utf8.count >= 4 }).sorted { ($0.count, $0) > ($1.count, $1) }
    }

    func apply(_ text: String) -> String {
        secrets.reduce(text) { text, secret in
            text.contains(secret) ? text.replacing(secret, with: "(hidden)") : text
        }
    }
}
