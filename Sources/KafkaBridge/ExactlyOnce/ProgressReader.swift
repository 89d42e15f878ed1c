import Kafka
import Logging

/// Reads segments' progress from the ends of their partitions, of all segments at once.
struct ProgressReader: Sendable {
    let client: ClientConfiguration
    let topic: TopicName
    let consumer: String
    let logger: Logger

    /// So many offsets before the end are looked at first, then four times as many, and so on to the beginning: a transaction
    /// takes two, its record and its marker.
    private static let firstWindow: Int64 = 256

    /// How long transactions that are open may keep the end out of sight: all that could be are fenced by now, and their
    /// ends are on the way.
    private static let patience: Duration = .seconds(10)

    /// A broker that does not answer for so long is given up: librdkafka puts a question to the leader that it knows, and looks for
    /// another one only after that. The takeover asks again.
    private static let answerMilliseconds: Int32 = 3_000

    private var impatient: ClientConfiguration {
        var client = client
        let given = client.properties["socket.timeout.ms"].flatMap { Int32($0) } ?? .max
        client.properties["socket.timeout.ms"] = "\(min(given, Self.answerMilliseconds))"
        return client
    }

    /// The last committed progress of segments, by their lineages; those that have none are left out.
    ///
    /// - Throws: `KafkaError`, `.timedOut` where an open transaction hides the end; ``ExactlyOnceRefusal`` for a record that
    ///   Godwit has not written.
    func read(_ lineages: [Int: String]) async throws -> [Int: SegmentProgress] {
        let ranges = try await TopicClients.withReader(impatient, .readUncommitted, logger: logger) {
            reader throws(KafkaError) in
            var ranges: [Int: Range<Int64>] = [:]
            for (partition, range) in try await reader.watermarks(of: lineages.keys.map { partition($0) })
            where !range.isEmpty { ranges[Int(partition.partition)] = range }
            return ranges
        }
        let records = try await TopicClients.withReader(impatient, .readCommitted, logger: logger) {
            reader throws(KafkaError) in try await last(lineages, in: ranges, reader)
        }
        var progress: [Int: SegmentProgress] = [:]
        for (segment, record) in records {
            guard let value = record.value, let found = try? SegmentProgress(value: value) else {
                throw ExactlyOnceRefusal(
                    "the record at offset \(record.offset) of \(partition(segment)) is no progress of a segment, and was not "
                        + "written by Godwit: find out what writes there, and remove the record, or give the consumer another "
                        + "progress_topic")
            }
            progress[segment] = found
        }
        return progress
    }

    private func partition(_ segment: Int) -> TopicPartition { TopicPartition(topic.description, Int32(segment)) }

    /// The last committed record of each segment.
    private func last(
        _ lineages: [Int: String], in ranges: [Int: Range<Int64>], _ reader: Reader
    ) async throws(KafkaError) -> [Int: ConsumedRecord] {
        try await waitForEnds(ranges, reader)
        let keys = lineages.reduce(into: [Int: [UInt8]]()) { keys, entry in
            keys[entry.key] = SegmentProgress.key(of: consumer, entry.key, entry.value)
        }
        var found: [Int: ConsumedRecord] = [:]
        var open = ranges
        var window = Self.firstWindow
        while !open.isEmpty {
            var starts: [TopicPartition: ReadStart] = [:]
            for (segment, range) in open {
                starts[partition(segment)] = .offset(max(range.lowerBound, range.upperBound - window))
            }
            try await reader.assign(starts)
            try await reader.readToEnd(within: .seconds(60)) { records in
                for record in records {
                    let segment = Int(record.partition)
                    if record.key == keys[segment] { found[segment] = record }
                }
            }
            for (segment, range) in open where found[segment] != nil || range.upperBound - window <= range.lowerBound {
                open[segment] = nil
            }
            window *= 4
        }
        return found
    }

    private func waitForEnds(_ ranges: [Int: Range<Int64>], _ reader: Reader) async throws(KafkaError) {
        let deadline = ContinuousClock.now + Self.patience
        var hidden = ranges
        while true {
            let found = try await reader.watermarks(of: hidden.keys.map { partition($0) })
            hidden = hidden.filter { segment, range in
                found[partition(segment)].map { $0.upperBound < range.upperBound } ?? true
            }
            guard let first = hidden.keys.min() else { return }
            guard ContinuousClock.now < deadline else {
                throw KafkaError(
                    .timedOut,
                    message:
                        "an open transaction hides the end of \(partition(first)), behind which a segment's progress lies"
                )
            }
            do { try await Task.sleep(for: .milliseconds(10)) } catch _ {
                throw KafkaError(.timedOut, message: "Reading the progress of segments was cancelled")
            }
        }
    }
}
