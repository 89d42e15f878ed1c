import Consumers
package import Kafka
package import KafkaBridge

/// `kafka`: where the brokers are.
package struct KafkaSection: Sendable {
    /// Empty only where the command needs no broker.
    package var bootstrapServers: String
    /// librdkafka's properties by name; they may hold secrets.
    package var properties: [String: String]
    /// Files that hold values of properties, by the property's name; they are read again for each client.
    package var secretFiles: [String: String]
    /// Where tokens come from, for OAUTHBEARER.
    package var tokens: TokenSource?
    /// Nil is what each topic allows.
    package var maximumRecordBytes: Int?
    package var topics: TopicPolicy
    /// Of the topics that are made, and of those that `doctor` compares.
    package var topicSettings: TopicSettingsSection
    package var transactionalIDPrefix: String
    package var transactionTimeout: Duration

    init(_ values: inout ConfigurationValues, needed: Bool) {
        bootstrapServers = values.optionalText("kafka.bootstrap_servers") ?? ""
        if bootstrapServers.isEmpty {
            if needed { values.missing("kafka.bootstrap_servers") }
        } else if let flaw = BrokerAddresses.flaw(of: bootstrapServers) {
            values.problem("kafka.bootstrap_servers", .bootstrapServers, flaw)
        }
        for address in BrokerAddresses.repeated(in: bootstrapServers) {
            values.problem(
                "kafka.bootstrap_servers", .bootstrapRepeated, "names \(Concealed.text(address)) more than once")
        }
        properties = values.properties("kafka.properties")
        secretFiles = values.propertyFiles("kafka.properties")
        maximumRecordBytes = values.optionalInteger("kafka.max_record_bytes")
        transactionalIDPrefix = values.text("kafka.transactional_id_prefix")
        transactionTimeout = values.duration("kafka.transaction_timeout")
        let partitions = values.integer("kafka.topics.partitions")
        let replicationFactor = values.optionalInteger("kafka.topics.replication_factor")
        topicSettings = TopicSettingsSection("kafka.topics.settings", &values, takesCounts: false)
        topics =
            values.boolean("kafka.topics.create")
            ? .create(
                partitions: partitions, replicationFactor: replicationFactor, settings: topicSettings.settings)
            : .mustExist
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            let path = ConfigurationPath(["kafka", "properties", name])
            if let rule = PropertyRule.violated(by: name, value: value) {
                values.problem(path, .propertyFixed, "may not be set: \(rule.reason)")
            } else if let flaw = Self.flaw(ofProperty: name, value) {
                values.problem(path, .property, flaw)
            }
            if let other = KnownProperties.contradiction(to: name, in: properties) {
                values.problem(path, .conflict, "is the same property as \"\(other)\", with another value; remove one")
            }
        }
        for name in PropertyRule.trustsAnyBroker(properties) {
            values.problem(
                ConfigurationPath(["kafka", "properties", name]), .brokersUnverified,
                "turns off that brokers prove who they are: any server can pose as one; remove it, and name the "
                    + "authority by \"kafka.tls.ca_file\"")
        }
        let security = KafkaSecuritySection(&values)
        for name in security.properties.keys.sorted() where properties[name] != nil {
            values.problem(
                ConfigurationPath(["kafka", "properties", name]), .conflict,
                "is what \"kafka.tls\" and \"kafka.sasl\" say; give it here or there, not both")
        }
        if properties["sasl.mechanism"] ?? properties["sasl.mechanisms"] == "OAUTHBEARER",
            properties["enable.sasl.oauthbearer.unsecure.jwt"] != "true"
        {
            values.problem(
                ConfigurationPath(["kafka", "properties", "sasl.mechanism"]),
                "is OAUTHBEARER: set \"kafka.sasl.mechanism\" and \"kafka.sasl.token_file\" or \"token_url\" instead")
        }
        let protocolName = properties["security.protocol"]?.lowercased() ?? "plaintext"
        if !protocolName.hasPrefix("sasl_"), security.properties["sasl.mechanism"] == nil {
            for name in properties.keys.sorted() where name.hasPrefix("sasl.") {
                values.problem(
                    ConfigurationPath(["kafka", "properties", name]), .saslUnused,
                    "has no effect, since \"security.protocol\" is \(Concealed.text(protocolName)): set it to sasl_ssl, or "
                        + "give \"kafka.sasl\" instead")
            }
        }
        if needed { Self.checkFiles(properties, security.properties, &values) }
        properties.merge(security.properties) { own, _ in own }
        secretFiles.merge(security.secretFiles) { own, _ in own }
        tokens = security.tokens
        if sendsPasswordInClear, !BrokerAddresses.areLoopback(bootstrapServers) {
            let own: ConfigurationPath = "kafka.sasl.mechanism"
            let path = values.isGiven(own) ? own : ConfigurationPath(["kafka", "properties", "sasl.mechanism"])
            values.problem(
                path, .passwordInClear, "is PLAIN without TLS: the password is sent as it is; set \"kafka.tls.enabled\""
            )
        }
    }

    /// The files that librdkafka reads itself, which it would complain of without a name of the key.
    private static func checkFiles(
        _ properties: [String: String], _ security: [String: String], _ values: inout ConfigurationValues
    ) {
        let keys = [
            "ssl.ca.location": "ca_file", "ssl.certificate.location": "certificate_file",
            "ssl.key.location": "key_file",
        ]
        for name in (Array(keys.keys) + ["ssl.keystore.location", "ssl.crl.location"]).sorted() {
            if let file = properties[name], file != "probe" {
                values.readable(file, ConfigurationPath(["kafka", "properties", name]))
            } else if let file = security[name], let key = keys[name] {
                values.readable(file, ConfigurationPath("kafka.tls.\(key)"))
            }
        }
        let authorities: ConfigurationPath = "kafka.sasl.token_ca_file"
        if let file = values.optionalText(authorities) { values.readable(file, authorities) }
    }

    /// Whether everybody on the way can read the password.
    var sendsPasswordInClear: Bool {
        (properties["sasl.mechanism"] ?? properties["sasl.mechanisms"]) == "PLAIN"
            && properties["security.protocol"]?.lowercased() == "sasl_plaintext"
    }

    /// What this package's own clients are made from.
    package func client(_ clientID: String = "godwit") -> ClientConfiguration {
        var client = ClientConfiguration(
            bootstrapServers: bootstrapServers, properties: properties, clientID: clientID, tokens: tokens)
        client.secretFiles = secretFiles
        return client
    }

    /// Each property by itself, so that its own line is named.
    private static func flaw(ofProperty name: String, _ value: String) -> String? {
        if let flaw = KnownProperties.flaw(of: name, value: value) {
            return PropertyRule.isSecret(name) ? flaw : "is \"\(Concealed.text(value))\", but \(flaw)"
        }
        do throws(KafkaError) {
            try ClientConfiguration(bootstrapServers: "localhost", properties: [name: value]).validate()
            return nil
        } catch {
            return "is refused by librdkafka: \(Concealed.text(error.message))\(hint(name))"
        }
    }

    private static func hint(_ name: String) -> String {
        if name.hasPrefix("sasl.oauthbearer.") || name.hasPrefix("https.") {
            return "; tokens are asked for as \"kafka.sasl.token_url\" says"
        }
        guard !KnownProperties.names.contains(name) else { return "" }
        return NearestName.of(name, among: KnownProperties.names).map { "; did you mean \"\($0)\"?" } ?? ""
    }
}
