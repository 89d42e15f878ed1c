/// Decides whether a property of the user's may be set.
package struct PropertyRule: Sendable, Equatable {
    /// The property, under the name the user would write.
    package let name: String
    /// Why it may not be set, as the end of a sentence.
    package let reason: String

    private static let order = "Godwit needs it fixed to keep events in order and lose none"

    private static let refused: [String: String] = [
        "acks": "an event counts as delivered only when all replicas in sync have it, so it is always `all`",
        "request.required.acks":
            "an event counts as delivered only when all replicas in sync have it, so it is always `all`",
        "enable.idempotence": "\(order), so it is always `true`",
        "enable.gapless.guarantee": "\(order), so it is always `true`",
        "message.timeout.ms": "an event is never given up after a time; Godwit's own watchdog ends a stuck producer",
        "delivery.timeout.ms": "an event is never given up after a time; Godwit's own watchdog ends a stuck producer",
        "retries": "an event is never given up after a number of attempts",
        "message.send.max.retries": "an event is never given up after a number of attempts",
        "transactional.id": "Godwit names its transactional producers itself",
        "partitioner": "a key's partition is chosen by `partitioner` of the consumer, `murmur2` or `crc32`",
        "partitioner_cb": "the key's partition is always the one Java clients choose (`murmur2_random`)",
        "queuing.strategy": "\(order), so it is always `fifo`",
        "msg_order_cmp": order,
        "delivery.report.only.error": "the checkpoint moves by the reports of success",
        "test.mock.num.brokers": "events would go to an imitation of a broker and be lost",
        "bootstrap.servers": "the brokers are named by `bootstrap_servers`",
        "metadata.broker.list": "the brokers are named by `bootstrap_servers`",
        "group.id": "Godwit keeps its own position and joins no group",
        "enable.auto.commit": "Godwit keeps its own position and joins no group",
        "auto.offset.reset": "Godwit keeps its own position and joins no group",
        "isolation.level": "Godwit chooses it for each of its readers",
        "log.queue": "logging goes through Godwit's own log",
        "opaque": "it is a pointer of the embedding program",
    ]

    /// The rule that `value` for `name` breaks, if any.
    package static func violated(by name: String, value: String) -> PropertyRule? {
        if let reason = refused[name] { return PropertyRule(name: name, reason: reason) }
        if name == "max.in.flight" || name == "max.in.flight.requests.per.connection" {
            if let number = Int(value), number > 5 {
                return PropertyRule(
                    name: name, reason: "above 5 a broker can no longer recognise repeated requests, so order breaks")
            }
        }
        if name.hasSuffix("_cb") {
            return PropertyRule(name: name, reason: "it is a pointer of the embedding program")
        }
        return nil
    }

    /// Whether these properties turn off that a broker proves who it is. librdkafka reads such words in any case.
    package static func trustsAnyBroker(_ properties: [String: String]) -> [String] {
        let off: [String: Set<String>] = [
            "enable.ssl.certificate.verification": ["false", "f", "0"],
            "ssl.endpoint.identification.algorithm": ["none"],
        ]
        return off.keys.sorted().filter { name in
            properties[name].map { off[name]?.contains($0.lowercased()) == true } == true
        }
    }

    /// Whether a property's value must never be shown. By allowlist: what is not known to be harmless is hidden.
    package static func isSecret(_ name: String) -> Bool {
        let hidden = ["password", "secret", "key.pem", "token", "oauthbearer", "certificate.pem", "jaas", "credential"]
        return hidden.contains { name.contains($0) } || !harmlessPrefixes.contains { name.hasPrefix($0) }
    }

    private static let harmlessPrefixes = [
        "acks", "allow.", "api.", "batch.", "bootstrap.", "broker.", "check.", "client.", "compression.",
        "connections.", "debug", "enable.", "fetch.", "linger.", "log.", "max.", "message.", "metadata.", "partition",
        "queue.", "queued.", "queuing.", "receive.", "reconnect.", "request.", "retries", "retry.",
        "sasl.kerberos.keytab",
        "sasl.kerberos.principal", "sasl.kerberos.service",
        "sasl.mechanism", "sasl.username", "security.protocol", "socket.", "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.cipher", "ssl.crl", "ssl.curves", "ssl.endpoint", "ssl.key.location", "ssl.keystore.location",
        "statistics.", "sticky.", "topic.",
    ]
}
