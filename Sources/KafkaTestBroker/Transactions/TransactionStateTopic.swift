/// The internal topic whose partitions' leaders are the coordinators of the transactional ids.
///
/// Nothing is written to it: the broker keeps transactions in its own journal. Clients see it in the metadata, and moving a
/// partition's leader moves the coordinator of the ids that belong to it.
enum TransactionStateTopic {
    static let name = "__transaction_state"

    /// The partition that a transactional id belongs to: by Java's hash of its text, as in Apache Kafka.
    static func partition(of id: String, count: Int) -> Int32 {
        let hash = id.utf16.reduce(Int32(0)) { $0 &* 31 &+ Int32($1) }
        return (hash == .min ? 0 : abs(hash)) % Int32(count)
    }

    /// The settings that Apache Kafka gives it.
    static func settings(over defaults: TopicSettings, minInsyncReplicas: Int) -> TopicSettings {
        var settings = defaults
        for (name, value) in [
            ("cleanup.policy", "compact"), ("compression.type", "uncompressed"), ("segment.bytes", "104857600"),
            ("min.insync.replicas", String(minInsyncReplicas)), ("unclean.leader.election.enable", "false"),
        ] {
            _ = settings.set(name, value)
        }
        return settings
    }
}
