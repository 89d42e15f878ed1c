/// A topic and its partitions.
final class Topic {
    let name: String
    let id: KafkaUUID
    var settings: TopicSettings
    var partitions: [Partition] = []

    init(name: String, id: KafkaUUID, settings: TopicSettings) {
        self.name = name
        self.id = id
        self.settings = settings
    }

    /// Whether it belongs to the cluster itself.
    var isInternal: Bool { name == TransactionStateTopic.name }

    /// Whether a name can be a topic's.
    static func isValidName(_ name: String) -> Bool {
        guard !name.isEmpty, name != ".", name != "..", name.utf8.count <= 249 else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}

/// One partition of one topic.
struct TopicPartition: Hashable, Comparable, Codable {
    let topic: String
    let partition: Int32

    static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}
