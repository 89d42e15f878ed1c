extension ConfigurationKey {
    /// `kafka.tls` and `kafka.sasl`.
    static let kafkaSecurity: [ConfigurationKey] = [
        .init(
            "kafka.tls.enabled", .boolean,
            "Whether the brokers are reached over TLS; not given, it follows from the other keys of `kafka.tls`. "
                + "Certificate and host name are verified then."),
        .init(
            "kafka.tls.ca_file", .text,
            "PEM file with the authorities that the brokers' certificates may come from; not given, the system's."),
        .init("kafka.tls.certificate_file", .text, "PEM file with the client's own certificate chain."),
        .init("kafka.tls.key_file", .text, "PEM file with the key of that certificate."),
        .init("kafka.tls.key_password", .secret, "What that key is encrypted with, if it is."),
        .init(
            "kafka.sasl.mechanism", .choice(["none", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]),
            default: "none", "How Godwit says who it is."),
        .init("kafka.sasl.username", .text, "The user, for PLAIN and SCRAM."),
        .init("kafka.sasl.password", .secret, "The user's password."),
        .init(
            "kafka.sasl.token_file", .text,
            "For OAUTHBEARER: a file with the token, read again whenever the token is about to expire."),
        .init(
            "kafka.sasl.token_url", .text,
            "For OAUTHBEARER: the endpoint that gives tokens for client credentials (OAuth 2)."),
        .init("kafka.sasl.client_id", .text, "The client's id at that endpoint."),
        .init("kafka.sasl.client_secret", .secret, "The client's secret at that endpoint."),
        .init("kafka.sasl.scope", .text, "The scope that is asked for there."),
        .init(
            "kafka.sasl.token_ca_file", .text,
            "PEM file with the authorities that the endpoint's certificate may come from; not given, the system's."),
        .init(
            "kafka.sasl.extensions", .list, default: "[]",
            "SASL extensions sent with the token, each `name=value`."),
    ]
}
