/// How to reach a Kafka cluster, and the librdkafka properties the user set.
///
/// Properties pass through to librdkafka as they are, but for those that would break what Godwit promises: see
/// ``PropertyRule``.
package struct ClientConfiguration: Sendable, Equatable {
    /// `host:port`, separated by commas.
    package var bootstrapServers: String
    /// librdkafka's property names and values, such as `compression.type: lz4`.
    package var properties: [String: String]
    /// Files whose content is the value of a property, read again for each client, by the property's name. What
    /// ``properties`` has under that name is used where a file cannot be read.
    package var secretFiles: [String: String] = [:]
    /// What the broker's logs and quotas call this client.
    package var clientID: String
    /// How long a producer's records wait for more to go together with, where more follows at once: enough for a tenth
    /// fewer requests, too short to keep anybody waiting. Not where the properties say how long they always do.
    package var lingerUnderLoad: Duration = .milliseconds(2)
    /// Where the tokens come from when `sasl.mechanism` is OAUTHBEARER.
    package var tokens: TokenSource?
    /// For a producer of transactions.
    package var transactions: TransactionSettings?

    package init(
        bootstrapServers: String, properties: [String: String] = [:], clientID: String = "godwit",
        tokens: TokenSource? = nil
    ) {
        self.bootstrapServers = bootstrapServers
        self.properties = properties
        self.clientID = clientID
        self.tokens = tokens
    }

    /// What Godwit needs of a producer for its promise. The user cannot change these.
    var promised: [(name: String, value: String)] {
        let always = [
            ("acks", "all"),
            ("enable.idempotence", "true"),
            // What Java clients use, so that a key has the same partition from every writer.
            ("partitioner", "murmur2_random"),
        ]
        guard let transactions else {
            return always + [
                // An error that would leave a gap ends the producer instead of going on behind the gap.
                ("enable.gapless.guarantee", "true"),
                // For ever: whether a record is given up is decided above, not by a clock here.
                ("message.timeout.ms", "0"),
            ]
        }
        // Records end with their transaction: librdkafka bounds their time by its own, unless one is set.
        let timeout = transactions.timeout.wholeMilliseconds
        let socket = properties["socket.timeout.ms"].flatMap { Int32($0) } ?? 60_000
        return always + [
            ("transactional.id", transactions.id),
            ("transaction.timeout.ms", "\(timeout)"),
            // librdkafka asks for no more than 100 ms above the transaction's.
            ("socket.timeout.ms", "\(min(socket, timeout))"),
        ]
    }

    /// What a producer starts from. The user may change these.
    static let producerDefaults: [(name: String, value: String)] = [
        // A broker works off a connection's requests one after the other: the second one is there when it has answered the
        // first. librdkafka has one request of a partition under way at a time, and while it could send more than there
        // are partitions with records it asks again and again whether it may, for a whole core's work.
        ("max.in.flight", "2"),
        // Bounds memory: librdkafka's own default is 1 GiB.
        ("queue.buffering.max.kbytes", "32768"),
        ("queue.buffering.max.messages", "100000"),
    ]

    /// Whether the properties say how long records linger, whatever follows.
    var decidesLinger: Bool { properties["linger.ms"] != nil || properties["queue.buffering.max.ms"] != nil }

    /// What every client starts from. The user may change these.
    static let commonDefaults: [(name: String, value: String)] = [
        ("socket.nagle.disable", "true"),
        ("allow.auto.create.topics", "false"),
        ("reconnect.backoff.max.ms", "2000"),
    ]

    /// Checks every property as building a producer does, without building one.
    ///
    /// - Throws: ``KafkaError`` with ``KafkaError/Code/configuration``, naming the property and what is wrong with it.
    package func validate() throws(KafkaError) {
        _ = try NativeConfiguration(producer: self)
    }
}

/// Under which name a producer's transactions run.
package struct TransactionSettings: Sendable, Equatable {
    /// Of two producers with the same one, the later ends the earlier.
    package var id: String
    /// After so long brokers abort a transaction that nobody has ended.
    package var timeout: Duration

    package init(id: String, timeout: Duration = .seconds(30)) {
        self.id = id
        self.timeout = timeout
    }
}
