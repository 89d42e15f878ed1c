import Kafka
import Logging

/// Of which records it cannot be said any more whether they were there, because records are deleted by now.
struct RetentionEdges: Sendable {
    /// The time of the first record that is left, in milliseconds since 1970, where records before it are deleted; the end
    /// of time where none is left.
    private var edges: [TopicPartition: Int64] = [:]
    private var partitionCounts: [String: Int32] = [:]
    private var compacted: Set<String> = []

    /// - Throws: `KafkaError`
    static func find(
        _ topics: [String], client: ClientConfiguration, logger: Logger
    ) async throws(KafkaError) -> RetentionEdges {
        var result = RetentionEdges()
        let admin = try Admin(client, logger: logger)
        for topic in topics {
            // Without the right to see settings, a topic counts as one that is not compacted.
            let settings = (try? await admin.topicSettings(topic)) ?? [:]
            if settings["cleanup.policy"]?.contains("compact") == true { result.compacted.insert(topic) }
        }
        await admin.close()
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
        let deadline = ContinuousClock.now + .seconds(30)
        while !open.isEmpty, ContinuousClock.now < deadline {
            for record in try await reader.poll(within: .milliseconds(500)) {
                let partition = TopicPartition(record.topic, record.partition)
                if open.remove(partition) != nil { edges[partition] = record.timestamp ?? .max }
            }
        }
    }

    /// Whether the record of an event may be among the deleted ones.
    ///
    /// - Parameter key: the record's key, which leads to its partition.
    func mayBeDeleted(topic: String, key: RawSpan, milliseconds: Int64) -> Bool {
        if compacted.contains(topic) { return true }
        guard let count = partitionCounts[topic], count > 0 else { return false }
        let partition = TopicPartition(topic, Murmur2Partitioner.partition(forKey: key, of: count))
        return edges[partition].map { milliseconds <= $0 } ?? false
    }
}
