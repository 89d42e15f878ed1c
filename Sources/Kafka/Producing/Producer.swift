package import Logging
internal import Synchronization

/// An idempotent producer.
///
/// Records are handed to librdkafka on the caller's thread, batch by batch, which does not block; reports are drained
/// by a pump thread. Batches keep their order when one task feeds after the other: two tasks that feed at once mix.
/// A producer has to be closed; until then its pump keeps it alive.
package final class Producer: Sendable {
    let core: ProducerCore<LibrdkafkaClient>

    /// Builds the client and starts its pump. Brokers need not be reachable: they are waited for.
    ///
    /// - Parameters:
    ///   - stallLimit: After so long without any report, while records are under way and brokers are reached, the
    ///     instance fails: ``fatalError`` is set and open batches settle.
    ///   - observer: Advanced whenever reports have come or something has ended, for an owner that waits for more than these.
    ///   - onStatistics: Takes the client's statistics, a JSON text, on the pump's thread; they come as
    ///     `statistics.interval.ms` says.
    /// - Throws: ``KafkaError`` with ``KafkaError/Code/configuration``.
    package init(
        _ configuration: ClientConfiguration, stallLimit: Duration = .seconds(120), logger: Logger,
        observer: Signal? = nil, onStatistics: (@Sendable (String) -> Void)? = nil
    ) throws(KafkaError) {
        // Before the client reads them, so that no change is missed.
        let secrets = SecretFingerprint(of: configuration)
        core = ProducerCore(
            try LibrdkafkaClient(configuration, logger: logger),
            lingering: configuration.decidesLinger ? nil : configuration.lingerUnderLoad, stallLimit: stallLimit,
            logger: logger, observer: observer, onStatistics: onStatistics,
            isOutdated: {
                let now = SecretFingerprint(of: configuration)
                return now.isComplete && now != secrets
            })
    }

    // MARK: Looking

    /// Records handed over and not yet reported. Cheap.
    package var queueLength: Int { core.withClient { $0.queueLength } ?? 0 }

    /// Bytes of keys and values handed over and not yet reported. Cheap.
    package var queueBytes: Int { max(0, core.state.withLock { $0.bytesInFlight }) }

    /// Set once the instance has failed for good: build another one.
    package var fatalError: KafkaError? { core.state.withLock { $0.life.fatalError } }

    /// The first report that was not a success, or what else ended the instance before it was closed: it takes no more
    /// records, and all its batches settle.
    package var failure: KafkaError? { core.state.withLock { $0.life.failure } }

    /// Since when records are under way and nothing was reported on any, whatever the reason; nil while nothing is under
    /// way. In a healthy flow that is a moment ago. Cheap.
    package var waitingSince: ContinuousClock.Instant? { core.state.withLock { $0.stallWatch.waitingSince } }

    package var connection: BrokerConnection.Status { core.state.withLock { $0.connection.status } }

    /// Changes whenever reports have come, or something has ended.
    package var reportGeneration: UInt64 { core.reports.generation }

    // MARK: Topics

    /// Asks the brokers about topics, and makes those that exist usable, so that their first record leaves at once.
    ///
    /// Waits for a broker as long as `limit`, without end by default.
    /// - Returns: One answer for each name, in their order: the topic, or why it cannot be used now: it is absent, may not be
    ///   seen, or has no leader yet.
    /// - Throws: ``KafkaError`` when nothing is known of any topic: no broker has answered in time, the login is refused,
    ///   the producer is closed, or the task is cancelled.
    package func lookUp(
        _ names: [String], within limit: Duration? = nil
    ) async throws(KafkaError) -> [Result<TopicHandle, KafkaError>] {
        try await core.lookUp(names, within: limit)
    }

    /// Makes all of some topics usable. Waits for brokers, and for leaders, as long as `limit`, without end by default.
    ///
    /// - Throws: ``KafkaError`` naming the topics that do not exist or may not be seen, or `.timedOut`.
    package func prepare(_ names: [String], within limit: Duration? = nil) async throws(KafkaError) -> [TopicHandle] {
        try await core.prepare(names, within: limit)
    }

    /// How many partitions the cluster gave a topic at the last ``lookUp(_:within:)``: more than its handle says once it
    /// has grown, fewer once it was made anew. Asks nobody.
    package func currentPartitionCount(of topic: TopicHandle) -> Int32 {
        core.state.withLock { $0.topics.currentPartitionCount(of: topic) }
    }

    // MARK: Producing

    /// Opens a batch, which keeps the source until its last report. Feed it and then end the feeding.
    package func open(_ source: any RecordSource) -> Batch { core.open(source) }

    /// Hands over a whole batch. A full queue is waited out and the same record tried again.
    ///
    /// Returns when all records are handed over, or feeding had to stop: a record was refused, another one of the
    /// batch or another batch has failed, the producer is being closed, or the task is cancelled. The batch says what
    /// became of it.
    package func produce(_ source: any RecordSource) async -> Batch {
        let batch = open(source)
        _ = await feed(batch, from: source, indices: 0..<batch.count)
        endFeeding(batch)
        return batch
    }

    /// Hands over some records of a batch, in the order of `indices`, waiting out a full queue. False when feeding
    /// had to stop.
    package func feed(_ batch: Batch, from source: any RecordSource, indices: Range<Int>) async -> Bool {
        await feed(batch, from: source, indices: RecordIndices(indices))
    }

    /// Hands over some records of a batch, in the order of `indices`, waiting out a full queue. False when feeding
    /// had to stop.
    package func feed(_ batch: Batch, from source: any RecordSource, indices: RecordIndices) async -> Bool {
        await core.feed(batch, from: source, indices: indices)
    }

    /// Hands over records of a batch, in the order of `indices`, until the queue is full or one is refused. Does not wait.
    ///
    /// - Returns: how many were taken, and whether the others may be once there is room in the queue.
    package func offer(
        _ batch: Batch, from source: any RecordSource, _ indices: RecordIndices
    ) -> (taken: Int, mayTakeMore: Bool) {
        let (taken, mayTakeMore) = core.hand(batch, from: source, indices)
        return (taken, mayTakeMore)
    }

    /// No more records follow for the batch.
    ///
    /// - Parameter moreFollows: Another batch follows at once, so that records may wait for more to go together with.
    package func endFeeding(_ batch: Batch, moreFollows: Bool = false) {
        core.endFeeding(batch, moreFollows: moreFollows)
    }

    /// Has what was handed over sent without lingering, unless the configuration says how long it does. Does not wait.
    package func sendAtOnce() { lingerBreaker?.sendAtOnce() }

    var lingerBreaker: LingerBreaker? { core.lingerBreaker }

    // MARK: Ending

    /// How closing ended.
    package enum CloseOutcome: Sendable, Equatable {
        case closed
        /// librdkafka did not let go in time: its threads, and the bytes it may still read, are left behind.
        case abandoned
    }

    /// Waits until everything handed over is reported; false when the time is up first. Lingering ends at once.
    package func flush(within limit: Duration) async -> Bool { await core.flush(within: limit) }

    /// Gives up everything that is not acknowledged: it is reported as failed, although it may have been written.
    package func purge() { core.withClient { $0.purge(waits: false) } }

    /// Gives up what is not acknowledged, and ends the client and its threads. Flush before to give up nothing.
    ///
    /// Bounded: when librdkafka hangs, that is logged and it is left behind. May be called more than once.
    @discardableResult
    package func close(within limit: Duration = .seconds(5)) async -> CloseOutcome { await core.close(within: limit) }
}
