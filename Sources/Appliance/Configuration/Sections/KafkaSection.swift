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

    init(_ values: inout ConfigurationValues, needed: Bool) {
        bootstrapServers = values.optionalText("kafka.bootstrap_servers") ?? ""
        if bootstrapServers.isEmpty {
            if needed { values.missing("kafka.bootstrap_servers") }
        } else if let flaw = bootstrapServers.split(separator: ",", omittingEmptySubsequences: false)
            .lazy.compactMap(Self.flaw).first
        {
            values.problem("kafka.bootstrap_servers", flaw)
        }
        properties = values.properties("kafka.properties")
        secretFiles = values.propertyFiles("kafka.properties")
        maximumRecordBytes = values.optionalInteger("kafka.max_record_bytes")
        let partitions = values.integer("kafka.topics.partitions")
        let replicationFactor = values.optionalInteger("kafka.topics.replication_factor")
        topics =
            values.boolean("kafka.topics.create")
            ? .create(partitions: partitions, replicationFactor: replicationFactor) : .mustExist
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            if let flaw = Self.flaw(ofProperty: name, value) {
                values.problem(ConfigurationPath(["kafka", "properties", name]), flaw)
            }
        }
        let security = KafkaSecuritySection(&values)
        for name in security.properties.keys.sorted() where properties[name] != nil {
            values.problem(
                ConfigurationPath(["kafka", "properties", name]),
                "is what \"kafka.tls\" and \"kafka.sasl\" say; give it here or there, not both")
        }
        if properties["sasl.mechanism"] ?? properties["sasl.mechanisms"] == "OAUTHBEARER",
            properties["enable.sasl.oauthbearer.unsecure.jwt"] != "true"
        {
            values.problem(
                ConfigurationPath(["kafka", "properties", "sasl.mechanism"]),
                "is OAUTHBEARER: set \"kafka.sasl.mechanism\" and \"kafka.sasl.token_file\" or \"token_url\" instead")
        }
        properties.merge(security.properties) { own, _ in own }
        secretFiles.merge(security.secretFiles) { own, _ in own }
        tokens = security.tokens
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
        if let rule = PropertyRule.violated(by: name, value: value) { return "may not be set: \(rule.reason)" }
        do throws(KafkaError) {
            try ClientConfiguration(bootstrapServers: "localhost", properties: [name: value]).validate()
            return nil
        } catch {
            return "is refused by librdkafka: \(error.message)\(hint(name))"
        }
    }

    private static func hint(_ name: String) -> String {
        if name.hasPrefix("sasl.oauthbearer.") || name.hasPrefix("https.") {
            return "; tokens are asked for as \"kafka.sasl.token_url\" says"
        }
        guard !PropertyNames.known.contains(name) else { return "" }
        return NearestName.of(name, among: PropertyNames.known).map { "; did you mean \"\($0)\"?" } ?? ""
    }

    /// librdkafka takes a mistyped address silently and then finds no broker for ever.
    private static func flaw(of server: Substring) -> String? {
        let text = server.drop { $0 == " " }
        let address = text.split(separator: "://", maxSplits: 1).last ?? ""
        guard !address.isEmpty else { return "holds an empty address; write host:port, several separated by commas" }
        guard let colon = address.lastIndex(of: ":"), !address.hasSuffix("]") else { return nil }
        let port = address[address.index(after: colon)...]
        if address[..<colon].contains(":"), !address[..<colon].hasSuffix("]") {
            return "holds the IPv6 address \(address) without brackets; write [\(address[..<colon])]:\(port)"
        }
        guard let number = UInt16(port), number > 0 else { return "holds \(address), whose port is not 1 to 65535" }
        return colon == address.startIndex ? "holds \(address), which names no host" : nil
    }
}
