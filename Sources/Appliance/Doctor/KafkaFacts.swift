/// What is the case with a Kafka cluster, as far as it could be found out.
struct KafkaFacts: Sendable, Equatable {
    struct Topic: Sendable, Equatable {
        enum Access: Sendable, Equatable {
            case visible, absent, forbidden
            /// What passes by itself, such as a partition without a leader.
            case unclear(String)
        }

        var name: String
        var access = Access.visible
        var partitions = 1
        var replicationFactor = 1
        /// Nil where the settings may not be read.
        var settings: [String: String]?
        /// Why it could not be created, had it to be; nil where it could or was not asked.
        var creationRefusal: String?
        /// Whether it is a setting that brokers refuse.
        var refusesSetting = false
    }

    /// A broker that cannot be reached where it says it is, with the reason.
    struct Unreachable: Sendable, Equatable {
        var id: Int32
        var address: String
        var reason: String
    }

    var brokerCount = 1
    var unreachable: [Unreachable] = []
    var topics: [Topic] = []
    /// Nil where no consumer delivers exactly once.
    var transactions: TransactionFacts?
}
