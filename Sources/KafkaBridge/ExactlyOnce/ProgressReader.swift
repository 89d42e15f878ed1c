import Kafka
import Logging

/// Reads segments' progress from the ends of their partitions.
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

    /// The last committed progress of segments, by their lineages; those that have none are left out.
    ///
    /// - Throws: ``KafkaError``, `.timedOut` where an open transaction hides the end.
    func read(_ lineages: [Int: String]) async throws(KafkaError) -> [Int: SegmentProgress] {
        let starts = try await withReader(.readUncommitted) { reader throws(KafkaError) in
            var ranges: [Int: Range<Int64>] = [:]
            for segment in lineages.keys { ranges[segment] = try await reader.watermarks(of: partition(segment)) }
            return ranges
        }
        return try await withReader(.readCommitted) { reader throws(KafkaError) in
            var found: [Int: SegmentProgress] = [:]
            for (segment, range) in starts.sorted(by: { $0.key < $1.key }) where !range.isEmpty {
                try await waitForEnd(of: partition(segment), at: range.upperBound, reader)
                found[segment] = try await last(of: segment, lineages[segment] ?? "", in: range, reader)
            }
            return found
        }
    }

    private func partition(_ segment: Int) -> TopicPartition { TopicPartition(topic.description, Int32(segment)) }

    /// Lends a client, once there is room for one.
    private func withReader<Value: Sendable>(
        _ isolation: IsolationLevel, _ body: (Reader) async throws(KafkaError) -> Value
    ) async throws(KafkaError) -> Value {
        do {
            return try await AsyncSemaphore.topicClients.withRoom {
                let reader = try Reader(client, isolation: isolation, logger: logger)
                let result: Result<Value, KafkaError>
                do throws(KafkaError) { result = .success(try await body(reader)) } catch { result = .failure(error) }
                await reader.close()
                return try result.get()
            }
        } catch let error as KafkaError {
            throw error
        } catch {
            throw KafkaError(.timedOut, message: "Reading the progress of segments was cancelled")
        }
    }

    private func waitForEnd(
        of partition: TopicPartition, at end: Int64, _ reader: Reader
    ) async throws(KafkaError) {
        let deadline = ContinuousClock.now + Self.patience
        while try await reader.watermarks(of: partition).upperBound < end {
            guard ContinuousClock.now < deadline else {
                throw KafkaError(
                    .timedOut,
                    message: "an open transaction hides the end of \(partition), behind which a segment's progress lies"
                )
            }
            do { try await Task.sleep(for: .milliseconds(10)) } catch _ {
                throw KafkaError(.timedOut, message: "Reading the progress of segments was cancelled")
            }
        }
    }

    private func last(
        of segment: Int, _ lineage: String, in range: Range<Int64>, _ reader: Reader
    ) async throws(KafkaError) -> SegmentProgress? {
        var window = Self.firstWindow
        let key = SegmentProgress(lineage: lineage, epoch: 0, transactionalID: "").key(of: consumer, segment)
        while true {
            let start = max(range.lowerBound, range.upperBound - window)
            try await reader.assign([partition(segment): .offset(start)])
            var last: ConsumedRecord?
            try await reader.readToEnd(within: .seconds(60)) { records in
                last = records.last { $0.key == key } ?? last
            }
            if let last {
                guard let value = last.value, let progress = try? SegmentProgress(value: value) else {
                    throw KafkaError(
                        .configuration,
                        message:
                            "the record at offset \(last.offset) of \(partition(segment)) is no progress of a segment: "
                            + "somebody else has written it")
                }
                return progress
            }
            if start == range.lowerBound { return nil }
            window *= 4
        }
    }
}
