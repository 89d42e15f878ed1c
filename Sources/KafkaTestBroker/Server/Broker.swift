import Logging
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The state of the whole cluster, confined to one event loop: all that touches it runs there.
final class Broker {
    let configuration: BrokerConfiguration
    let loop: any EventLoop
    let logger: Logger
    var clusterID: String
    /// Where the nodes listen, in the order of their ids, which count from 1.
    var endpoints: [(host: String, port: Int)] = []
    var topics: [String: Topic] = [:]
    var topicNames: [KafkaUUID: String] = [:]
    var nextProducerID: Int64 = 1000
    var producerIDLimit: Int64 = 1000
    var journal: Journal?
    /// Held as long as the broker has its data directory.
    var directoryLock: AppendFile?
    var transactions = TransactionTable()
    /// Until when coordinators read their state, by partition of ``TransactionStateTopic``, in milliseconds since 1970.
    var loadingCoordinators: [Int32: Int64] = [:]
    var faults = FaultTable()
    /// Markers that faults hold back.
    var heldMarkers: [PendingMarker] = []
    /// Certificate and key, if TLS is served.
    var tls: TLSContext?
    var isFrozen = false
    /// What waits for the end of a freeze.
    var held: [() -> Void] = []
    let groups: GroupCoordinator
    var isShutDown = false
    var connectionCount = 0
    /// The open connections, to be closed at the end.
    var channels: [Int: (node: Int32, channel: any Channel)] = [:]

    private let clock: () -> Int64

    init(
        configuration: BrokerConfiguration, loop: any EventLoop, logger: Logger,
        clock: @escaping () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
    ) {
        self.clock = clock
        self.configuration = configuration
        self.loop = loop
        self.logger = logger
        clusterID = KafkaUUID.random().base64
        groups = GroupCoordinator(loop: loop, initialDelay: configuration.initialRebalanceDelayMilliseconds)
    }

    /// Milliseconds since 1970.
    var now: Int64 { clock() }

    // MARK: Topics

    func partition(_ id: TopicPartition) -> Partition? {
        guard let topic = topics[id.topic], id.partition >= 0, Int(id.partition) < topic.partitions.count else {
            return nil
        }
        return topic.partitions[Int(id.partition)]
    }

    /// Creates a topic whose name is valid and free.
    func createTopic(_ name: String, partitions: Int, settings: TopicSettings) throws -> Topic {
        let topic = Topic(name: name, id: .random(), settings: settings)
        try addPartitions(to: topic, count: partitions)
        guard save(topic) else { throw StorageError("cannot keep the topic") }
        topics[name] = topic
        topicNames[topic.id] = name
        return topic
    }

    func addPartitions(to topic: Topic, count: Int) throws {
        for index in topic.partitions.count..<count {
            let id = TopicPartition(topic: topic.name, partition: Int32(index))
            let log = try openLog(id)
            let partition = Partition(id: id, log: log, leader: Int32(index % configuration.nodes) + 1)
            // A broker that restarts leads in a new epoch.
            if let last = log.leaderEpochs.last { partition.setLeader(partition.leader, epoch: last.epoch + 1) }
            topic.partitions.append(partition)
        }
    }

    var defaultSettings: TopicSettings {
        TopicSettings(maxMessageBytes: configuration.maxMessageBytes, retentionBytes: configuration.retentionBytes)
    }

    /// The topic of this name, made on the spot if it may be.
    func topic(_ name: String, mayCreate: Bool) throws(KafkaErrorCode) -> Topic {
        if let topic = topics[name] { return topic }
        guard Topic.isValidName(name) else { throw .invalidTopic }
        guard mayCreate, configuration.autoCreateTopics else { throw .unknownTopicOrPartition }
        if name == TransactionStateTopic.name {
            guard let topic = transactionStateTopic() else { throw .kafkaStorageError }
            return topic
        }
        guard collision(with: name) == nil else { throw .invalidTopic }
        return try storing("create a topic") {
            try createTopic(name, partitions: configuration.defaultPartitions, settings: defaultSettings)
        }
    }

    /// A topic whose name differs only in `.` and `_`: both would share a metric's name.
    func collision(with name: String) -> String? {
        func key(_ name: String) -> [UInt8] { name.utf8.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: "_") : $0 } }
        let wanted = key(name)
        return topics.keys.first { key($0) == wanted }
    }

    // MARK: Nodes

    /// Where the nodes listen, by their ids.
    var addresses: [NodeAddress] { (1...Int32(endpoints.count)).map(address(of:)) }

    func address(of node: Int32) -> NodeAddress {
        let endpoint = endpoints[Int(node) - 1]
        return NodeAddress(id: node, host: endpoint.host, port: Int32(endpoint.port))
    }
}
