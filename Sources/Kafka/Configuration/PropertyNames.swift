internal import CLibRDKafka

/// The names of librdkafka's properties, for telling which one a mistyped name was meant to be.
package enum PropertyNames {
    package static let known: [String] = {
        // A configuration that nobody has set anything in, so that no secret is among its values. It leaves out
        // what has no value and second names, so those are named here.
        guard let configuration = unsafe rd_kafka_conf_new() else { return others }
        defer { unsafe rd_kafka_conf_destroy(configuration) }
        var count = 0
        guard let pairs = unsafe rd_kafka_conf_dump(configuration, &count) else { return others }
        defer { unsafe rd_kafka_conf_dump_free(pairs, count) }
        let names = stride(from: 0, to: count, by: 2).compactMap { index in
            unsafe pairs[index].map { unsafe String(cString: $0) }
        }
        return Set(names + others).sorted()
    }()

    private static let others = [
        "compression.type", "linger.ms", "max.in.flight", "sasl.mechanism",
        "client.rack", "debug", "plugin.library.paths", "sasl.kerberos.keytab", "sasl.oauthbearer.config",
        "sasl.password", "sasl.username", "ssl.ca.location", "ssl.ca.pem", "ssl.certificate.location",
        "ssl.certificate.pem", "ssl.cipher.suites", "ssl.crl.location", "ssl.curves.list", "ssl.key.location",
        "ssl.key.password", "ssl.key.pem", "ssl.keystore.location", "ssl.keystore.password", "ssl.sigalgs.list",
    ]
}
