import Kafka
import Logging

/// Reads the topics of a range up to the ends that they have at the moment: records of committed transactions only. Used by
/// one task.
final class TopicReading {
    enum Step {
        /// All records come again.
        case restart
        /// A record, with its partition's number.
        case record(ConsumedRecord, place: UInt16)
    }

    let topics: [String]
    private let reader: Reader
    /// Sees where transactions are open.
    private let everything: Reader
    private let patience: Duration
    private let silence: Duration
    private let logger: Logger
    /// All partitions, in the order of their numbers.
    private(set) var partitions: [TopicPartition] = []
    private var places: [TopicPartition: UInt16] = [:]
    /// Partitions that lack offsets between records that were read: compaction, now or once, or markers of transactions.
    private(set) var holed: Set<TopicPartition> = []

    /// How often a pass begins again, since records were deleted under it.
    private static let mostPasses = 5

    /// - Parameters:
    ///   - extract: what of the records is looked at.
    ///   - patience: so long an answer may take that brokers are asked for again and again.
    ///   - silence: so long no record may come while there are more.
    /// - Throws: `KafkaError`; also where a topic is missing.
    init(
        _ topics: [String], client: ClientConfiguration, extract: RecordExtract, patience: Duration, silence: Duration,
        logger: Logger
    ) async throws(KafkaError) {
        self.topics = topics
        self.patience = patience
        self.silence = silence
        self.logger = logger
        reader = try Reader(client, extract: extract, logger: logger)
        do throws(KafkaError) {
            everything = try Reader(client, isolation: .readUncommitted, logger: logger)
        } catch {
            await reader.close()
            throw error
        }
        do throws(KafkaError) { _ = try await enterPartitions() } catch {
            await close()
            throw error
        }
    }

    func close() async {
        await reader.close()
        await everything.close()
    }

    // MARK: Reading

    /// Hands on all records from a time on, those of a partition once and in order.
    ///
    /// - Parameter observe: told which part is read, 0 to 1.
    func read(
        from start: ReadStart, observe: (Double) -> Void = { _ in }, _ body: (Step) -> Void
    ) async throws(KafkaError) {
        var start = start
        for pass in 1... {
            body(.restart)
            do throws(KafkaError) {
                var wanted = partitions
                while !wanted.isEmpty {
                    try await read(wanted, from: start, body, observe)
                    // A partition that was added in the meantime may have what the others had not.
                    wanted = try await enterPartitions()
                    start = .beginning
                }
                return
            } catch {
                // What lies before the offset was deleted after it was looked up.
                guard error.code == .offsetReset || error.code == .offsetOutOfRange, pass < Self.mostPasses else {
                    throw error
                }
                logger.debug("the topics are read again: \(error)")
                start = .beginning
            }
        }
    }

    private func read(
        _ partitions: [TopicPartition], from start: ReadStart, _ body: (Step) -> Void,
        _ observe: (Double) -> Void
    ) async throws(KafkaError) {
        try await reader.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, start) }), within: patience)
        var last: [UInt16: Int64] = [:]
        var ends: [UInt16: Int64] = [:]
        var firsts: [UInt16: Int64] = [:]
        // A broker that goes away is waited for.
        try await reader.readToEnd(
            within: .seconds(7 * 86_400), patience: silence,
            ends: { for (partition, end) in $0 { ends[places[partition] ?? 0] = end } }
        ) { records in
            for record in records {
                let partition = TopicPartition(record.topic, record.partition)
                let place = places[partition] ?? 0
                if let last = last[place] {
                    // Fetched twice is not written twice.
                    if last >= record.offset { continue }
                    if last + 1 < record.offset { holed.insert(partition) }
                }
                last[place] = record.offset
                if firsts[place] == nil { firsts[place] = record.offset }
                body(.record(record, place: place))
            }
            observe(Self.fraction(firsts, last, ends))
        }
    }

    /// What part lies behind, by the partitions' offsets.
    private static func fraction(
        _ firsts: [UInt16: Int64], _ last: [UInt16: Int64], _ ends: [UInt16: Int64]
    ) -> Double {
        var (done, all) = (0.0, 0.0)
        for (place, end) in ends {
            // Where a partition begins is known with its first record.
            let first = firsts[place] ?? 0
            all += Double(max(0, end - first))
            done += Double(max(0, (last[place] ?? first - 1) + 1 - first))
        }
        return all > 0 ? min(1, done / all) : 1
    }

    /// Gives numbers to the partitions that have none yet.
    private func enterPartitions() async throws(KafkaError) -> [TopicPartition] {
        let new = try await reader.partitions(of: topics, within: patience).filter { places[$0] == nil }
        for partition in new {
            places[partition] = UInt16(truncatingIfNeeded: partitions.count)
            partitions.append(partition)
        }
        return new
    }

    // MARK: What was not read

    /// The partitions with records that nobody may see yet, since a transaction is open, each with the offset from which on.
    ///
    /// - Parameter limit: so long it is waited for their ends.
    func openTransactions(waiting limit: Duration = .zero) async throws(KafkaError) -> [TopicPartition: Int64] {
        let deadline = ContinuousClock.now + limit
        var ends: [TopicPartition: Int64] = [:]
        // A client knows only the partitions that were there when it asked last.
        _ = try await everything.partitions(of: topics, within: patience)
        for partition in partitions {
            ends[partition] = try await everything.watermarks(of: partition, within: patience).upperBound
        }
        while true {
            var open: [TopicPartition: Int64] = [:]
            for (partition, end) in ends {
                let visible = try await reader.watermarks(of: partition, within: patience).upperBound
                if visible < end { open[partition] = visible }
            }
            if open.isEmpty || ContinuousClock.now >= deadline { return open }
            ends = ends.filter { open[$0.key] != nil }
            do { try await Task.sleep(for: .milliseconds(500)) } catch { return open }
        }
    }
}
