internal import CLibRDKafka
internal import DedicatedThread
package import Logging
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Reads partitions without joining a group and without committing anything: for tests and tools.
///
/// One task uses it at a time. Blocking calls run on a thread of their own. Close it when done.
package final class Reader: Sendable {
    private struct State {
        var partitions: Set<TopicPartition> = []
        /// Partitions read to their end, with the offset behind the last record.
        var ends: [TopicPartition: Int64] = [:]
        /// What went wrong behind the records that were handed on.
        var failure: KafkaError?
        var isClosed = false
        var chosenAt = ContinuousClock.now
    }

    private let handle: ClientHandle
    private let queue: ConsumerQueue
    private let state = Mutex(State())
    /// Apart from the state because starting and stopping blocks; only one call is under way at a time.
    private let fetching = Mutex(ReadingTopics())

    /// - Parameter extract: what of the records is handed on.
    package init(
        _ configuration: ClientConfiguration, isolation: IsolationLevel = .readCommitted,
        extract: RecordExtract = .everything, logger: Logger
    ) throws(KafkaError) {
        let configuration = configuration.withCurrentSecrets
        handle = try NativeConfiguration(reader: configuration, isolation: isolation)
            .makeClient(RD_KAFKA_CONSUMER, configuration, sink: LogSink(logger))
        queue = ConsumerQueue(newFor: handle, extract)
    }

    /// Ends the client. No other call may be under way or follow.
    package func close() async {
        let isFirst = state.withLock { state -> Bool in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        _ = await BlockingCall.run(named: "kafka-reader", atMost: .seconds(5)) { [self] in
            fetching.withLock { $0.stopAll() }
            queue.destroy()
            handle.destroy()
        }
    }

    // MARK: Choosing

    /// Chooses all partitions of some topics, in place of what was chosen before.
    package func assign(
        _ topics: [String], from start: ReadStart = .beginning, within limit: Duration = .seconds(10)
    ) async throws(KafkaError) {
        let partitions = try await partitions(of: topics, within: limit)
        try await assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, start) }), within: limit)
    }

    /// Chooses partitions, in place of what was chosen before.
    package func assign(
        _ starts: [TopicPartition: ReadStart], within limit: Duration = .seconds(10)
    ) async throws(KafkaError) {
        try await BlockingCall.run(named: "kafka-reader") { [self] in choose(starts, limit) }.get()
    }

    /// All partitions of some topics.
    package func partitions(
        of topics: [String], within limit: Duration = .seconds(10)
    ) async throws(KafkaError) -> [TopicPartition] {
        try await BlockingCall.run(named: "kafka-reader") { [self] in
            Result { () throws(KafkaError) in
                var all: [TopicPartition] = []
                for topic in topics {
                    let count = try Self.insisting(limit) { (left) throws(KafkaError) in
                        try partitionCount(of: topic, left)
                    }
                    for partition in 0..<count { all.append(TopicPartition(topic, partition)) }
                }
                return all
            }
        }.get()
    }

    /// The first offset of a partition and the one behind its last record that this reader may see.
    package func watermarks(
        of partition: TopicPartition, within limit: Duration = .seconds(10)
    ) async throws(KafkaError) -> Range<Int64> {
        try await BlockingCall.run(named: "kafka-reader") { [self] in
            Result { () throws(KafkaError) in
                try Self.insisting(limit) { (left) throws(KafkaError) in try watermarks(partition, left) }
            }
        }.get()
    }

    /// The same of several partitions, which are asked for at once.
    package func watermarks(
        of partitions: some Sequence<TopicPartition>, within limit: Duration = .seconds(10)
    ) async throws(KafkaError) -> [TopicPartition: Range<Int64>] {
        let partitions = Array(partitions)
        return try await BlockingCall.run(named: "kafka-reader") { [self] in
            Result { () throws(KafkaError) in
                // A time that stands for an end.
                func ends(_ end: Int32) throws(KafkaError) -> [TopicPartition: Int64] {
                    var times: [TopicPartition: Int64] = [:]
                    for partition in partitions { times[partition] = Int64(end) }
                    return try lookUp(times, limit)
                }
                let (low, high) = (try ends(RD_KAFKA_OFFSET_BEGINNING), try ends(RD_KAFKA_OFFSET_END))
                var ranges: [TopicPartition: Range<Int64>] = [:]
                for (partition, first) in low { ranges[partition] = first..<max(first, high[partition] ?? first) }
                return ranges
            }
        }.get()
    }

    /// For each partition the offset of its first record that is not older than a time; of one without such a record its
    /// end, as far as this reader may see it.
    ///
    /// - Parameter time: milliseconds since 1970.
    package func offsets(
        notBefore time: Int64, of partitions: [TopicPartition], within limit: Duration = .seconds(10)
    ) async throws(KafkaError) -> [TopicPartition: Int64] {
        try await BlockingCall.run(named: "kafka-reader") { [self] in
            Result { () throws(KafkaError) in
                var times: [TopicPartition: Int64] = [:]
                for partition in partitions { times[partition] = time }
                var offsets = try lookUp(times, limit)
                for (partition, offset) in offsets where offset < 0 {
                    offsets[partition] = try Self.insisting(limit) { (left) throws(KafkaError) in
                        try watermarks(partition, left)
                    }.upperBound
                }
                return offsets
            }
        }.get()
    }

    // MARK: Reading

    /// The partitions that were read to their end since they were chosen, each with the offset behind its last record then.
    package var endsReached: [TopicPartition: Int64] { state.withLock { $0.ends } }

    /// The next records, as many as there are at once, at most `count`; none when the time is up first.
    package func poll(atMost count: Int = 1_000, within limit: Duration) async throws(KafkaError) -> [ConsumedRecord] {
        try await BlockingCall.run(named: "kafka-reader") { [self] in fetch(count, limit) }.get()
    }

    /// Everything from the reading position up to the ends the partitions have now.
    ///
    /// - Throws: `.timedOut` when the ends were not reached in time.
    package func readToEnd(within limit: Duration = .seconds(30)) async throws(KafkaError) -> [ConsumedRecord] {
        var records: [ConsumedRecord] = []
        try await readToEnd(within: limit) { records += $0 }
        return records
    }

    /// Hands on everything up to the ends the partitions have now, in stretches.
    ///
    /// - Parameters:
    ///   - patience: so long nothing may come at all.
    ///   - tell: told which ends those are.
    /// - Throws: `.timedOut` when the ends were not reached in time; `.state` where a partition has become shorter, since its
    ///   topic was made anew.
    package func readToEnd(
        within limit: Duration, patience: Duration? = nil, ends tell: ([TopicPartition: Int64]) -> Void = { _ in },
        _ body: ([ConsumedRecord]) throws -> Void
    ) async throws(KafkaError) {
        let deadline = ContinuousClock.now + limit
        var open: [TopicPartition: Int64] = [:]
        let partitions = state.withLock { $0.partitions }
        for (partition, range) in try await watermarks(of: partitions, within: min(limit, .seconds(60)))
        where range.lowerBound < range.upperBound { open[partition] = range.upperBound }
        tell(open)
        var lastRecord = ContinuousClock.now
        var nextLook = ContinuousClock.now + Self.longestSilence
        while true {
            let ends = state.withLock { $0.ends }
            open = open.filter { partition, end in (ends[partition] ?? -1) < end }
            if open.isEmpty { return }
            let left = deadline - .now
            guard left > .zero, !Task.isCancelled else {
                throw KafkaError(.timedOut, message: "The ends of \(open.count) partitions were not reached in time")
            }
            let records = try await poll(within: min(left, .milliseconds(500)))
            if !records.isEmpty { (lastRecord, nextLook) = (.now, .now + Self.longestSilence) }
            if let patience, ContinuousClock.now - lastRecord > patience {
                throw KafkaError(
                    .timedOut, message: "Nothing came of \(open.count) partitions for \(patience.components.seconds) s")
            }
            if ContinuousClock.now > nextLook {
                try await expectEnds(open)
                nextLook = .now + Self.longestSilence
            }
            for record in records {
                let partition = TopicPartition(record.topic, record.partition)
                if let end = open[partition], record.offset + 1 >= end { open[partition] = nil }
            }
            if !records.isEmpty {
                do { try body(records) } catch let error as KafkaError { throw error } catch {
                    throw KafkaError(.state, message: "Reading was ended by its user: \(error)")
                }
            }
        }
    }

    /// After so much time without a record it is looked whether there are more to come.
    private static let longestSilence: Duration = .seconds(5)

    /// Makes sure that partitions are still as long as they were.
    private func expectEnds(_ ends: [TopicPartition: Int64]) async throws(KafkaError) {
        for (partition, end) in ends {
            let range: Range<Int64>
            do throws(KafkaError) { range = try await watermarks(of: partition) } catch {
                if error.classification.kind == .retry { continue }
                throw error
            }
            guard range.upperBound >= end else {
                throw KafkaError(
                    .state,
                    message:
                        "\(partition) ended at offset \(end), and ends at \(range.upperBound) now: its topic was made anew"
                )
            }
        }
    }

    /// Records for ever, in stretches, until the task is cancelled.
    package var batches: AsyncThrowingStream<[ConsumedRecord], any Error> {
        AsyncThrowingStream {
            while !Task.isCancelled {
                let records = try await self.poll(within: .milliseconds(500))
                if !records.isEmpty { return records }
            }
            return nil
        }
    }

    // MARK: Inside, all blocking

    /// Asks again while a broker's answer is an error that passes by itself, such as that a new or moved partition has
    /// no leader yet; for a moment also where it knows no such topic, since each broker hears of a new one for itself.
    private static func insisting<Answer>(
        _ limit: Duration, _ ask: (_ left: Duration) throws(KafkaError) -> Answer
    ) throws(KafkaError) -> Answer {
        let start = ContinuousClock.now
        let deadline = start + limit
        while true {
            do throws(KafkaError) { return try ask(deadline - .now) } catch {
                let isAnswer = error.code.rawValue > 0 && error.classification.kind == .retry
                let end = isNoNewsYet(error) ? min(deadline, start + newsTravelTime) : deadline
                guard isAnswer || isNoNewsYet(error),
                    ContinuousClock.now + pauseBetweenQuestions < end
                else { throw error }
                usleep(UInt32(pauseBetweenQuestions / .microseconds(1)))
            }
        }
    }

    /// Whether a broker may only not have heard of a topic or partition yet, or this client only of one that has not.
    static func isNoNewsYet(_ error: KafkaError) -> Bool {
        error.code == .unknownTopicOrPartition || error.code == .localUnknownPartition
    }

    private static let pauseBetweenQuestions: Duration = .milliseconds(20)
    /// How long brokers may take to hear of a new topic.
    private static let newsTravelTime: Duration = .seconds(2)

    private func partitionCount(of topic: String, _ limit: Duration) throws(KafkaError) -> Int32 {
        guard let native = unsafe rd_kafka_topic_new(handle.pointer, topic, nil) else {
            throw KafkaError(response: rd_kafka_last_error(), context: "Topic `\(topic)`")
        }
        defer { unsafe rd_kafka_topic_destroy(native) }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let response = unsafe rd_kafka_metadata(handle.pointer, 0, native, &metadata, limit.wholeMilliseconds)
        guard let metadata = unsafe metadata else {
            throw KafkaError(response: response, context: "Asking for topic `\(topic)`")
        }
        defer { unsafe rd_kafka_metadata_destroy(metadata) }
        guard let found = unsafe TopicMetadata.read(metadata)[topic] else { throw KafkaError(.unknownTopicOrPartition) }
        if let error = found.error { throw error }
        return found.partitionCount
    }

    private func watermarks(_ partition: TopicPartition, _ limit: Duration) throws(KafkaError) -> Range<Int64> {
        var low: Int64 = 0
        var high: Int64 = 0
        let response = unsafe rd_kafka_query_watermark_offsets(
            handle.pointer, partition.topic, partition.partition, &low, &high, limit.wholeMilliseconds)
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(response: response, context: "Offsets of \(partition)")
        }
        return low..<max(low, high)
    }

    /// By time in milliseconds since 1970; `RD_KAFKA_OFFSET_END` where no record is that young.
    private func lookUp(
        _ times: [TopicPartition: Int64], _ limit: Duration
    ) throws(KafkaError) -> [TopicPartition: Int64] {
        var offsets: [TopicPartition: Int64] = [:]
        if times.isEmpty { return offsets }
        try Self.insisting(limit) { (left) throws(KafkaError) in
            let list = PartitionList(capacity: times.count)
            for (partition, time) in times { list.add(partition, offset: time) }
            let response = unsafe rd_kafka_offsets_for_times(handle.pointer, list.pointer, left.wholeMilliseconds)
            guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaError(response: response, context: "Looking up offsets by time")
            }
            // What a partition has answered with an error stands for no offset.
            if let error = list.firstError("Looking up offsets by time") { throw error }
            list.forEach { offsets[$0] = $1 }
        }
        return offsets
    }

    private func choose(_ starts: [TopicPartition: ReadStart], _ limit: Duration) -> Result<Void, KafkaError> {
        var offsets: [TopicPartition: Int64] = [:]
        var timed: [TopicPartition: Int64] = [:]
        for (partition, start) in starts {
            switch start {
            case .beginning: offsets[partition] = Int64(RD_KAFKA_OFFSET_BEGINNING)
            case .end: offsets[partition] = Int64(RD_KAFKA_OFFSET_END)
            case .offset(let offset): offsets[partition] = offset
            case .timestamp(let time): timed[partition] = time
            }
        }
        if !timed.isEmpty {
            do throws(KafkaError) {
                for (partition, offset) in try lookUp(timed, limit) { offsets[partition] = offset }
            } catch {
                return .failure(error)
            }
        }
        state.withLock { state in
            state.partitions = Set(starts.keys)
            state.chosenAt = .now
            state.ends = [:]
            state.failure = nil
        }
        return fetching.withLock { fetching in
            fetching.stopAll()
            for (partition, offset) in offsets {
                if let error = fetching.start(partition, at: offset, handle, queue) { return .failure(error) }
            }
            return .success(())
        }
    }

    private func fetch(_ count: Int, _ limit: Duration) -> Result<[ConsumedRecord], KafkaError> {
        if let failure = state.withLock({ $0.failure.take() }) { return .failure(failure) }
        var records: [ConsumedRecord] = []
        var failure: KafkaError?
        queue.consume(atMost: count, within: limit) { (item: ConsumerQueue.Item) in
            switch item {
            case .record(let record): records.append(record)
            case .end(let partition, let offset): state.withLock { $0.ends[partition] = offset }
            case .error(let error):
                // A partition that was added is fetched once its news have come.
                if Self.isNoNewsYet(error), ContinuousClock.now < state.withLock({ $0.chosenAt }) + Self.newsTravelTime
                {
                    return
                }
                // An outage passes: reading goes on by itself.
                // But for an offset that is gone: its partition is fetched no more.
                let isGone = error.code == .offsetReset || error.code == .offsetOutOfRange
                if isGone || error.classification.kind != .retry { failure = failure ?? error }
            }
        }
        guard let failure else { return .success(records) }
        if records.isEmpty { return .failure(failure) }
        // The records before it are handed on first.
        state.withLock { $0.failure = failure }
        return .success(records)
    }
}
