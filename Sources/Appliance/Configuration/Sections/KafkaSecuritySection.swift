import Kafka

/// `kafka.tls` and `kafka.sasl`: how the brokers are known and how they know Godwit, as librdkafka's properties.
struct KafkaSecuritySection {
    /// What the keys come to, under librdkafka's names; they hold secrets.
    private(set) var properties: [String: String] = [:]
    /// The files that hold passwords, by the property's name.
    private(set) var secretFiles: [String: String] = [:]
    private(set) var tokens: TokenSource?

    init(_ values: inout ConfigurationValues) {
        let usesTLS = readTLS(&values)
        let usesSASL = readSASL(&values)
        guard usesTLS != nil || usesSASL else { return }
        properties["security.protocol"] =
            switch (usesTLS == true, usesSASL) {
            case (true, true): "sasl_ssl"
            case (true, false): "ssl"
            case (false, true): "sasl_plaintext"
            case (false, false): "plaintext"
            }
    }

    /// Nil where TLS is not configured.
    private mutating func readTLS(_ values: inout ConfigurationValues) -> Bool? {
        let keys = [
            ("ca_file", "ssl.ca.location"), ("certificate_file", "ssl.certificate.location"),
            ("key_file", "ssl.key.location"), ("key_password", "ssl.key.password"),
        ]
        for (key, property) in keys {
            let path = ConfigurationPath("kafka.tls.\(key)")
            if let text = values.optionalText(path) { properties[property] = text }
            secretFiles[property] = values.file(path)
        }
        let isEnabled: Bool? = values.isGiven("kafka.tls.enabled") ? values.boolean("kafka.tls.enabled") : nil
        if isEnabled == false, !properties.isEmpty {
            values.problem(
                "kafka.tls.enabled", .conflict,
                "is false, but other keys of \"kafka.tls\" are given; remove one or the other")
        }
        if properties["ssl.certificate.location"] != nil, properties["ssl.key.location"] == nil {
            values.problem("kafka.tls.certificate_file", "needs \"kafka.tls.key_file\" too")
        }
        if properties["ssl.key.location"] != nil, properties["ssl.certificate.location"] == nil {
            values.problem("kafka.tls.key_file", "needs \"kafka.tls.certificate_file\" too")
        }
        return isEnabled ?? (properties.isEmpty ? nil : true)
    }

    private static let passwordKeys = ["username", "password"]
    private static let tokenKeys = [
        "token_file", "token_url", "client_id", "client_secret", "scope", "token_ca_file", "extensions",
    ]

    private mutating func readSASL(_ values: inout ConfigurationValues) -> Bool {
        let given = (Self.passwordKeys + Self.tokenKeys).filter {
            values.isGiven(ConfigurationPath("kafka.sasl.\($0)"))
        }
        let mechanism = values.text("kafka.sasl.mechanism")
        guard mechanism != "none" else {
            for key in given.prefix(1) {
                values.problem(
                    ConfigurationPath("kafka.sasl.\(key)"),
                    .conflict, "needs \"kafka.sasl.mechanism\" too, for example SCRAM-SHA-512")
            }
            return false
        }
        properties["sasl.mechanism"] = mechanism
        let isToken = mechanism == "OAUTHBEARER"
        for key in isToken ? Self.passwordKeys : Self.tokenKeys where given.contains(key) {
            let others = isToken ? "another mechanism than OAUTHBEARER" : "the mechanism OAUTHBEARER"
            values.problem(
                ConfigurationPath("kafka.sasl.\(key)"), .conflict,
                "is for \(others), and \"kafka.sasl.mechanism\" is \(mechanism)"
            )
        }
        if isToken {
            tokens = readTokens(&values)
        } else {
            for key in Self.passwordKeys {
                let path = ConfigurationPath("kafka.sasl.\(key)")
                guard let text = values.optionalText(path) else {
                    values.missing(path)
                    continue
                }
                properties["sasl.\(key)"] = text
                secretFiles["sasl.\(key)"] = values.file(path)
            }
        }
        return true
    }

    private func readTokens(_ values: inout ConfigurationValues) -> TokenSource? {
        let extensions = readExtensions(&values)
        let file = values.optionalText("kafka.sasl.token_file")
        guard let text = values.optionalText("kafka.sasl.token_url") else {
            for key in ["client_id", "client_secret", "scope", "token_ca_file"] {
                let path = ConfigurationPath("kafka.sasl.\(key)")
                if values.isGiven(path) { values.problem(path, "needs \"kafka.sasl.token_url\" too") }
            }
            if let file { return TokenSource(.file(file), extensions: extensions) }
            values.problem(
                "kafka.sasl.mechanism",
                "is OAUTHBEARER, which needs \"kafka.sasl.token_file\" or \"kafka.sasl.token_url\"")
            return nil
        }
        if file != nil {
            values.problem(
                "kafka.sasl.token_file", .conflict, "and \"kafka.sasl.token_url\" are given; give one, not both")
        }
        guard let url = TokenURL(text) else {
            values.problem(
                "kafka.sasl.token_url", .tokenURL,
                "must be an address such as https://login.example.com/token, without a password in it; http is for this machine only"
            )
            return nil
        }
        let id = values.text("kafka.sasl.client_id")
        let secret = values.text("kafka.sasl.client_secret")
        var endpoint = TokenEndpoint(
            url: url, clientID: id, clientSecret: secret, scope: values.optionalText("kafka.sasl.scope"),
            authoritiesFile: values.optionalText("kafka.sasl.token_ca_file"))
        endpoint.clientSecretFile = values.file("kafka.sasl.client_secret")
        return TokenSource(.endpoint(endpoint), extensions: extensions)
    }

    private func readExtensions(_ values: inout ConfigurationValues) -> [String: String] {
        var extensions: [String: String] = [:]
        for item in values.list("kafka.sasl.extensions") {
            let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[0].allSatisfy({ $0.isASCII && $0.isLetter }), parts[0] != "auth",
                parts[1].utf8.allSatisfy({ (0x20..<0x7F).contains($0) })
            else {
                values.problem("kafka.sasl.extensions", "must be a list of name=value, the names of letters")
                return [:]
            }
            extensions[parts[0]] = parts[1]
        }
        return extensions
    }
}
