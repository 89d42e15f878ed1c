/// How a broker is set up. Every value has a default that suits tests.
public struct BrokerConfiguration: Sendable {
    /// Address to listen on. Anything but loopback needs ``allowsRemoteConnections``.
    public var host = "127.0.0.1"
    /// Port to listen on; 0 takes a free one. Further ``nodes`` take the ports after it, or free ones.
    public var port = 0
    /// Address that clients are told to come back to, if it is not ``host``: behind a proxy, or in a container.
    public var advertisedHost: String?
    /// First port that clients are told to come back to, if it is not the one listened on.
    public var advertisedPort: Int?
    /// Lets ``host`` be an address that other machines reach. The broker is made for development: think twice.
    public var allowsRemoteConnections = false
    /// How many brokers the cluster seems to have. All are listeners of one process over the same data, so that a
    /// partition's leader can be moved between them.
    public var nodes = 1
    /// Partitions of topics that are created without a number.
    public var defaultPartitions = 1
    /// Creates topics when a client asks for them.
    public var autoCreateTopics = true
    /// Largest record batch, in bytes, that topics take unless they say otherwise (`message.max.bytes`).
    public var maxMessageBytes = 1_048_588
    /// Bytes kept per partition unless a topic says otherwise; -1 keeps all (`log.retention.bytes`). All that is kept is
    /// in memory, also with a ``dataDirectory``, which serves restarts.
    public var retentionBytes: Int64 = -1
    /// Directory to keep everything in; nil keeps it in memory only.
    public var dataDirectory: String?
    /// When files are forced to the disk. What was acknowledged survives the end of the process under each.
    public var fsync = FsyncPolicy.never
    /// Largest transaction timeout a client may ask for, in milliseconds (`transaction.max.timeout.ms`).
    public var maxTransactionTimeoutMilliseconds: Int32 = 900_000
    /// After this long without a record a producer is forgotten, in milliseconds (`producer.id.expiration.ms`).
    public var producerExpirationMilliseconds: Int64 = 86_400_000
    /// How long an empty group waits for more members before its first rebalance, in milliseconds
    /// (`group.initial.rebalance.delay.ms`, which Apache Kafka sets to 3,000).
    public var initialRebalanceDelayMilliseconds: Int64 = 0
    /// How often the timeouts of transactions are looked at (`transaction.abort.timed.out.transaction.cleanup.interval.ms`,
    /// which Apache Kafka sets to 10 s).
    public var transactionCheckInterval = Duration.milliseconds(500)
    /// How long after the answer to EndTxn the markers are written. Until then the transactional id can begin nothing new, and
    /// is told CONCURRENT_TRANSACTIONS. Zero writes them right behind the answer.
    public var transactionMarkerDelay = Duration.milliseconds(1)
    /// Nodes that the internal topic of transactions is kept on (`transaction.state.log.replication.factor`); nil takes 3, or
    /// all nodes of a smaller cluster.
    public var transactionStateReplicationFactor: Int?
    /// In-sync replicas that the internal topic of transactions needs (`transaction.state.log.min.isr`); nil takes 2, or what
    /// the replication factor leaves of it.
    public var transactionStateMinInsyncReplicas: Int?
    /// Partitions of the internal topic of transactions (`transaction.state.log.num.partitions`): the coordinators of
    /// transactional ids are their leaders.
    public var transactionStatePartitions = 50
    /// How often retention and compaction are looked at (`log.retention.check.interval.ms`).
    public var retentionCheckInterval = Duration.seconds(300)
    /// How often producers are forgotten that are due (`producer.id.expiration.check.interval.ms`).
    public var producerExpirationCheckInterval = Duration.seconds(600)
    /// User names and passwords; with any, clients must authenticate with SASL.
    public var users: [String: String] = [:]
    /// The secret that tokens have to be signed with, JWT by HS256; with it, clients may authenticate with SASL OAUTHBEARER.
    public var tokenSecret: String?
    /// Serves TLS if set.
    public var tls: TLS?
    /// Serves the control endpoint for faults on this port of ``host`` if set; 0 takes a free one.
    public var controlPort: Int?

    /// A configuration with the default values.
    public init() {}

    var transactionStateReplicas: Int { transactionStateReplicationFactor ?? min(3, nodes) }
    var transactionStateInsyncReplicas: Int { transactionStateMinInsyncReplicas ?? min(2, transactionStateReplicas) }

    /// A token that a broker with this ``tokenSecret`` accepts until the time, in seconds since 1970; nil without a secret.
    public func token(for subject: String, until expiry: Int64) -> String? {
        tokenSecret.map { SignedToken.make(subject: subject, expiry: expiry, secret: $0) }
    }

    /// When the files of a data directory are forced to the disk.
    public enum FsyncPolicy: Sendable, Hashable {
        /// Left to the operating system, as Apache Kafka does: survives the end of the process, not of the machine.
        case never
        /// Before every acknowledgement: survives the end of the machine.
        case always
        /// Every so often.
        case interval(Duration)
    }

    /// Where the certificate and its key are.
    public struct TLS: Sendable, Hashable {
        /// PEM file with the certificate chain.
        public var certificateFile: String
        /// PEM file with the private key.
        public var keyFile: String
        /// PEM file with the authorities that client certificates must come from; nil asks for none.
        public var clientAuthoritiesFile: String?

        /// A certificate chain and its key.
        public init(certificateFile: String, keyFile: String, clientAuthoritiesFile: String? = nil) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.clientAuthoritiesFile = clientAuthoritiesFile
        }
    }
}
