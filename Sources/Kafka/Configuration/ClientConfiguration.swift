/// How to reach a Kafka cluster, and the librdkafka properties the user set.
///
/// Properties pass through to librdkafka as they are, but for those that would break what Godwit promises: see
/// ``PropertyRule``.
package struct ClientConfiguration: Sendable, Equatable {
    /// `host:port`, separated by commas.
    package var bootstrapServers: String
    /// librdkafka's property names and values, such as `compression.type: lz4`.
    package var properties: [String: String]
    /// What the broker's logs and quotas call this client.
    package var clientID: String
    /// Where the tokens come from when `sasl.mechanism` is OAUTHBEARER.
    package var tokens: TokenSource?

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
    static let promised: [(name: String, value: String)] = [
        ("acks", "all"),
        ("enable.idempotence", "true"),
        // An error that would leave a gap ends the producer instead of going on behind the gap.
        ("enable.gapless.guarantee", "true"),
        // For ever: whether a record is given up is decided above, not by a clock here.
        ("message.timeout.ms", "0"),
        // What Java clients use, so that a key has the same partition whoever writes it.
        ("partitioner", "murmur2_random"),
    ]

    /// What a producer starts from. The user may change these.
    static let producerDefaults: [(name: String, value: String)] = [
        // Follows the load by itself: while a partition's request is under way, what comes for it waits for the answer and
        // goes together; a lone record goes at once. 5 ms would save the broker a fifth of its work when catching up, the
        // relay nothing, and cost every lone event 5 ms. A living producer cannot change it.
        ("linger.ms", "0"),
        // A broker works off a connection's requests one after the other: the second one is there when it has answered the
        // first. librdkafka has one request of a partition under way at a time, and while it could send more than there
        // are partitions with records it asks again and again whether it may, for a whole core's work.
        ("max.in.flight", "2"),
        // Bounds memory: librdkafka's own default is 1 GiB.
        ("queue.buffering.max.kbytes", "32768"),
        ("queue.buffering.max.messages", "100000"),
    ]

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
