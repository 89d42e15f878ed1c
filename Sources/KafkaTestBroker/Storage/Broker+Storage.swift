import Logging
import NIOCore

/// What is kept of a topic apart from its log.
struct TopicRecord: Codable {
    let id: KafkaUUID
    let partitions: Int
    let overrides: [String: String]
}

/// Who led a partition last, and in which epoch.
struct LeaderRecord: Codable {
    let leader: Int32
    let epoch: Int32
}

/// What an offset belongs to.
struct OffsetKey: Codable {
    let group: String
    let partition: TopicPartition
    /// The producer whose open transaction holds the offset.
    var producerID: Int64?
    let offset: CommittedOffset
}

extension Broker {
    /// Producer ids are drawn in blocks, so that one write serves many.
    private static let producerBlock: Int64 = 1000

    /// Reads everything back from the data directory, and ends transactions whose outcome stood.
    func openStorage() throws {
        guard let directory = configuration.dataDirectory else { return }
        try Directory.create("\(directory)/topics")
        let lock = try AppendFile("\(directory)/lock")
        try lock.lock()
        directoryLock = lock
        let journal = try Journal("\(directory)/metadata", syncs: configuration.fsync == .always)
        self.journal = journal
        if let saved = try journal.values("cluster", as: String.self).first {
            clusterID = saved.value
        } else {
            try journal.put("cluster", "id", clusterID)
        }
        nextProducerID = try journal.values("producers", as: Int64.self).first?.value ?? nextProducerID
        producerIDLimit = nextProducerID
        try openTopics(journal, "\(directory)/topics")
        try openOffsets(journal)
        for saved in try journal.values("transaction", as: Transaction.self) { transactions.restore(saved.value) }
        writeUnfinishedMarkers()
    }

    private func openTopics(_ journal: Journal, _ directory: String) throws {
        var present: Set<String> = []
        for (name, record) in try journal.values("topic", as: TopicRecord.self) {
            var settings = defaultSettings
            for (key, value) in record.overrides { _ = settings.set(key, value) }
            let topic = Topic(name: name, id: record.id, settings: settings)
            try addPartitions(to: topic, count: record.partitions)
            topics[name] = topic
            topicNames[topic.id] = name
            for partition in topic.partitions { present.insert("\(name)-\(partition.id.partition)") }
        }
        for entry in try Directory.entries(directory) where !present.contains(entry) {
            try Directory.remove("\(directory)/\(entry)")
        }
        for (_, saved) in try journal.values("leader", as: [LeaderOf].self) {
            for item in saved { partition(item.partition)?.restoreLeader(item.record, nodes: configuration.nodes) }
        }
    }

    private func openOffsets(_ journal: Journal) throws {
        for (_, saved) in try journal.values("offset", as: OffsetKey.self) {
            guard let group = groups.group(saved.group, create: true) else { continue }
            if let producerID = saved.producerID {
                group.pendingOffsets[producerID, default: [:]][saved.partition] = saved.offset
            } else {
                group.offsets[saved.partition] = saved.offset
            }
        }
        groups.save = { group, partition, producerID, offset in
            let name = "\(group)\u{0}\(partition.topic)\u{0}\(partition.partition)\u{0}\(producerID ?? -1)"
            let value = offset.map {
                OffsetKey(group: group, partition: partition, producerID: producerID, offset: $0)
            }
            try journal.put("offset", name, value)
        }
    }

    /// The log of a partition, read back if its files are there.
    func openLog(_ id: TopicPartition) throws -> PartitionLog {
        guard let directory = configuration.dataDirectory, id.topic != TransactionStateTopic.name else {
            return PartitionLog(now: now)
        }
        let store = try FilePartitionStore(
            "\(directory)/topics/\(id.topic)-\(id.partition)", syncs: configuration.fsync == .always)
        let log = PartitionLog(now: now, store: store)
        try store.recover(into: log, now: now)
        return log
    }

    /// Does something that writes to the disk.
    func storing<Value>(_ what: StaticString, _ work: () throws -> Value) throws(KafkaErrorCode) -> Value {
        do {
            return try work()
        } catch {
            logger.error("cannot \(what)", metadata: ["error": "\(error)"])
            throw .kafkaStorageError
        }
    }

    /// Keeps a piece of state beyond the life of the process, if there is a directory; false if that failed.
    func save(_ kind: String, _ key: String, _ value: (some Encodable)?) -> Bool {
        do {
            try journal?.put(kind, key, value)
            return true
        } catch {
            logger.error("cannot write the metadata", metadata: ["kind": "\(kind)", "error": "\(error)"])
            return false
        }
    }

    func save(_ topic: Topic) -> Bool {
        save(
            "topic", topic.name,
            TopicRecord(id: topic.id, partitions: topic.partitions.count, overrides: topic.settings.overrides))
    }

    /// Leader and epoch of one partition, as kept.
    struct LeaderOf: Codable {
        let partition: TopicPartition
        let record: LeaderRecord
    }

    func saveLeader(of partition: Partition) -> Bool {
        let record = LeaderRecord(leader: partition.leader, epoch: partition.leaderEpoch)
        return save(
            "leader", "\(partition.id.topic)-\(partition.id.partition)",
            [LeaderOf(partition: partition.id, record: record)])
    }

    /// A producer id that was never given before, also before a restart.
    func drawProducerID() -> Int64 {
        if nextProducerID >= producerIDLimit {
            producerIDLimit = nextProducerID + Self.producerBlock
            _ = save("producers", "next", producerIDLimit)
        }
        defer { nextProducerID += 1 }
        return nextProducerID
    }

    /// Forces everything to the disk.
    func syncStorage() {
        do {
            try journal?.sync()
            for topic in topics.values {
                for partition in topic.partitions { try partition.log.store?.sync() }
            }
        } catch {
            logger.error("cannot force the data to the disk", metadata: ["error": "\(error)"])
        }
    }
}
