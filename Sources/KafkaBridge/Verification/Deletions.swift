import Kafka
import Logging

/// What a cluster may have deleted of some topics by now, by retention and compaction, as far as it reports that.
struct Deletions: Sendable {
    /// What a topic does with records that others of their key follow.
    enum Cleanup: Sendable, Equatable {
        case keepsAll
        case compacts
        /// The reason why that cannot be seen.
        case unknown(String)
    }

    /// What may have become of a record that is not there.
    enum Fate: Sendable, Equatable {
        /// It would be there still.
        case kept
        /// Retention deletes records of its time.
        case deleted
        /// Compaction may have replaced it: by whether a later record of its key is there.
        case compacted
    }

    /// The time of the first record that is left, in milliseconds since 1970, where records before it are deleted; the end
    /// of time where none is left.
    private(set) var edges: [TopicPartition: Int64] = [:]
    private(set) var partitionCounts: [String: Int32] = [:]
    private(set) var cleanups: [String: Cleanup] = [:]

    init(
        edges: [TopicPartition: Int64] = [:], partitionCounts: [String: Int32] = [:], cleanups: [String: Cleanup] = [:]
    ) {
        self.edges = edges
        self.partitionCounts = partitionCounts
        self.cleanups = cleanups
    }

    /// Why settings could not be seen.
    var unseenSettings: [String] {
        cleanups.values.compactMap { if case .unknown(let reason) = $0 { reason } else { nil } }.sorted()
    }

    // MARK: Finding out

    /// - Throws: `KafkaError`
    static func find(
        _ topics: [String], client: ClientConfiguration, logger: Logger
    ) async throws(KafkaError) -> Deletions {
        var result = Deletions()
        result.cleanups = try await Admin.with(client, logger: logger) { admin throws(KafkaError) in
            var cleanups: [String: Cleanup] = [:]
            for topic in topics { cleanups[topic] = try await cleanup(of: topic, admin) }
            return cleanups
        }
        let reader = try Reader(client, logger: logger)
        do throws(KafkaError) {
            try await result.look(topics, reader)
            await reader.close()
        } catch {
            await reader.close()
            throw error
        }
        return result
    }

    /// Without the right to see the settings nothing is known; an error that passes is waited for.
    private static func cleanup(of topic: String, _ admin: Admin) async throws(KafkaError) -> Cleanup {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            do throws(KafkaError) {
                let policy = try await admin.topicSettings(topic)["cleanup.policy"]
                guard let policy else { return .unknown("\(topic) has no cleanup.policy") }
                return policy.contains("compact") ? .compacts : .keepsAll
            } catch {
                // A broker may not have heard of the topic yet.
                let passes = error.classification.kind == .retry || error.code == .unknownTopicOrPartition
                guard passes, ContinuousClock.now < deadline else {
                    return .unknown("the settings of \(topic) cannot be seen: \(error.message)")
                }
            }
            do { try await Task.sleep(for: .milliseconds(200)) } catch { throw KafkaError(.timedOut) }
        }
    }

    private mutating func look(_ topics: [String], _ reader: Reader) async throws(KafkaError) {
        var cut: [TopicPartition: ReadStart] = [:]
        for partition in try await reader.partitions(of: topics) {
            partitionCounts[partition.topic, default: 0] += 1
            let range = try await reader.watermarks(of: partition)
            if range.lowerBound == 0 { continue }
            edges[partition] = .max
            if !range.isEmpty { cut[partition] = .offset(range.lowerBound) }
        }
        if cut.isEmpty { return }
        try await reader.assign(cut)
        var open = Set(cut.keys)
        // A partition whose first record does not come may have lost records of any time.
        let deadline = ContinuousClock.now + .seconds(30)
        while !open.isEmpty, ContinuousClock.now < deadline {
            for record in try await reader.poll(within: .milliseconds(500)) {
                let partition = TopicPartition(record.topic, record.partition)
                if open.remove(partition) != nil { edges[partition] = record.timestamp ?? .max }
            }
        }
    }

    // MARK: Deciding

    /// Has a partition count as if its records up to a time were deleted, since they were not read.
    ///
    /// - Parameter time: milliseconds since 1970.
    mutating func leaveOut(through time: Int64, of partition: TopicPartition) {
        edges[partition] = max(edges[partition] ?? time, time)
    }

    /// The partitions in which a record may lie: a topic may have grown since it was written.
    func partitions(topic: String, key: RawSpan, by partitioner: Partitioner = .murmur2) -> Set<TopicPartition> {
        var partitions: Set<TopicPartition> = []
        for count in stride(from: 1, through: partitionCounts[topic] ?? 0, by: 1) {
            partitions.insert(TopicPartition(topic, partitioner.partition(forKey: key, of: count)))
        }
        return partitions
    }

    /// All partitions of a topic.
    func partitions(topic: String) -> Set<TopicPartition> {
        Set((0..<(partitionCounts[topic] ?? 0)).map { TopicPartition(topic, $0) })
    }

    /// What may have become of a record.
    ///
    /// - Parameters:
    ///   - partitions: where it may lie.
    ///   - time: not before this did it come, in milliseconds since 1970.
    ///   - earlier: a partition where an earlier record of its aggregate and key still is. What came behind it there was not
    ///     deleted by retention, which takes the oldest first.
    func fate(
        topic: String, partitions: Set<TopicPartition>, milliseconds time: Int64, earlier: TopicPartition?
    ) -> Fate {
        let cut = partitions.filter { edges[$0].map { time <= $0 } ?? false }
        if !cut.isEmpty, earlier == nil || cut != [earlier] { return .deleted }
        return cleanups[topic] == .keepsAll ? .kept : .compacted
    }

    func fate(topic: String, key: RawSpan, milliseconds time: Int64, earlier: TopicPartition?) -> Fate {
        fate(topic: topic, partitions: partitions(topic: topic, key: key), milliseconds: time, earlier: earlier)
    }
}
