package import Kafka
package import Logging

/// Reads on in topics, from offsets to the ends that they have at the moment, at a bounded rate. Used by one task.
///
/// Its clients are made when something is read, and stay until they are closed, so that steps that follow at once go on where
/// the last one stopped.
package final class AuditReading {
    enum Step {
        case record(ConsumedRecord)
        /// Nothing follows up to the offset.
        case end(TopicPartition, offset: Int64)
    }

    private let client: ClientConfiguration
    private let extract: RecordExtract
    private let rate: Double
    private let logger: Logger
    private var reader: Reader?
    /// Sees where transactions are open.
    private var everything: Reader?
    /// Where the reader is in each partition that it was given.
    private var positions: [TopicPartition: Int64] = [:]

    /// How long an answer of brokers may take.
    private static let patience: Duration = .seconds(30)
    /// How long no record may come while there are more.
    private static let silence: Duration = .seconds(60)
    /// Records taken at a time: few, so that relaying goes on beside.
    private static let portion = 100

    /// - Parameters:
    ///   - audits: those that read by it.
    ///   - rate: records a second, at most.
    package init(_ client: ClientConfiguration, for audits: [DeliveryAudit], rate: Int, logger: Logger) {
        self.client = client
        extract = RecordNames.extract(audits.map(\.names), key: false)
        self.rate = Double(rate)
        self.logger = logger
    }

    package func close() async {
        await reader?.close()
        await everything?.close()
        (reader, everything, positions) = (nil, nil, [:])
    }

    /// All partitions of the topics.
    func partitions(of topics: [String]) async throws(KafkaError) -> [TopicPartition] {
        try await open().partitions(of: topics, within: Self.patience)
    }

    /// The first offsets, and those behind the last records that may be seen.
    func ranges(of partitions: [TopicPartition]) async throws(KafkaError) -> [TopicPartition: Range<Int64>] {
        let reader = try open()
        var ranges: [TopicPartition: Range<Int64>] = [:]
        for partition in partitions {
            ranges[partition] = try await reader.watermarks(of: partition, within: Self.patience)
        }
        return ranges
    }

    /// For each partition the first offset of a time in milliseconds since 1970.
    func offsets(
        notBefore time: Int64, of partitions: [TopicPartition]
    ) async throws(KafkaError) -> [TopicPartition: Int64] {
        try await open().offsets(notBefore: time, of: partitions, within: Self.patience)
    }

    /// The partitions with records that nobody may see yet, since a transaction is open.
    func openTransactions(of partitions: [TopicPartition]) async throws(KafkaError) -> Set<TopicPartition> {
        let everything: Reader
        if let known = self.everything {
            everything = known
        } else {
            everything = try Reader(client, isolation: .readUncommitted, logger: logger)
            self.everything = everything
        }
        var open: Set<TopicPartition> = []
        for partition in partitions {
            let end = try await everything.watermarks(of: partition, within: Self.patience).upperBound
            let visible = try await self.open().watermarks(of: partition, within: Self.patience).upperBound
            if visible < end { open.insert(partition) }
        }
        return open
    }

    /// Hands on what lies between the starts and the ends, or until it is enough.
    ///
    /// - Parameter isPaced: whether the rate holds.
    /// - Returns: whether the ends were reached.
    func read(
        from starts: [TopicPartition: Int64], to ends: [TopicPartition: Int64], isPaced: Bool = true,
        isEnough: () -> Bool,
        _ body: (Step) -> Void
    ) async throws(KafkaError) -> Bool {
        let reader = try open()
        if positions != starts {
            try await reader.assign(starts.mapValues { .offset($0) }, within: Self.patience)
            positions = starts
        }
        var pacer = Pacer(perSecond: rate)
        var lastNews = ContinuousClock.now
        while true {
            if !ends.contains(where: { positions[$0.key] ?? 0 < $0.value }) { return true }
            if isEnough() { return false }
            let records = try await reader.poll(atMost: Self.portion, within: .milliseconds(500))
            for record in records {
                positions[TopicPartition(record.topic, record.partition)] = record.offset + 1
                body(.record(record))
            }
            // What lies before the end without a record belongs to transactions: their marks, and what was aborted.
            for (partition, end) in reader.endsReached where positions[partition].map({ $0 < end }) ?? false {
                positions[partition] = end
                body(.end(partition, offset: end))
            }
            if !records.isEmpty {
                lastNews = .now
                let due = isPaced ? pacer.admit(records.count, now: .now) : .now
                if due > .now { await Self.wait(until: due) }
            }
            if Task.isCancelled { throw KafkaError(.timedOut, message: "Auditing was told to end") }
            if .now - lastNews > Self.silence {
                throw KafkaError(.timedOut, message: "Nothing came for \(Self.silence.components.seconds) s")
            }
        }
    }

    private static func wait(until instant: ContinuousClock.Instant) async {
        try? await Task.sleep(until: instant, clock: .continuous)
    }

    private func open() throws(KafkaError) -> Reader {
        if let reader { return reader }
        let new = try Reader(client, extract: extract, logger: logger)
        reader = new
        return new
    }
}
