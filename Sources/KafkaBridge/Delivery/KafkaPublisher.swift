package import Consumers
package import EventSourcing
import Kafka
package import Logging
import Postgres
import Synchronization

/// Publishes a consumer's events to Kafka, in order, each acknowledged by all replicas in sync.
///
/// Any report that is not a success ends the run: nothing more is fed, the producer is closed, and a new one takes up
/// what is not acknowledged, in order. What passes by itself, or by somebody mending it, is waited for without end and
/// said once. What becomes of an event that can never be delivered is the route's policy.
package actor KafkaPublisher: SizedConsumer, EndingConsumer {
    package nonisolated let name: String
    package nonisolated let scope: EventScope
    /// Of librdkafka's message, its dozen headers and its share of a request; measured.
    package nonisolated let memoryPerEvent = 1_536

    let options: KafkaPublisherOptions
    let logger: Logger
    let metrics: PublisherMetrics
    let preparation: TopicPreparation
    nonisolated let shared = Mutex(PublisherStatus.flowing)

    var router: Router
    var run: ProducerInstance? { didSet { if let run { work.withLock { $0.producer = run.producer } } } }
    nonisolated let work = Mutex(Work())
    var runCount = 0
    /// In the order they were handed over.
    var inFlightBatches: [InFlightBatch] = []
    var nextID = 0
    /// The segments that are served, as they were last announced.
    var served: [Int: ServedSegment] = [:]
    var halts = HaltedSegments()
    /// Halts that the table of dead letters does not have yet, by segment, and passed ones that it still has.
    var unnotedHalts: [Int: UndeliverableEvent] = [:]
    var passedHalts: [Int64] = []
    var parked = ParkedAggregates()
    /// The largest record of each topic, in bytes.
    var limits = ByTopic<Int>()
    var saysUnknownLimits = false
    var saysOddTimes = false
    nonisolated let recordSize: RecordSize
    /// The largest payload that a topic takes, as far as is known.
    nonisolated let largestTaken: Atomic<Int>
    /// Events that halt only until they are read again with their payloads.
    var rereads: Set<Int64> = []
    /// The smallest of the limits, as of the last look: a batch may be no larger than its topic allows either.
    var smallestLimit = Int.max
    var isClosed = false
    var backoff: Backoff
    var partitionCounts: [TopicName: Int32] = [:]
    /// The partitions that a look found and the run does not use, as they were said.
    var foundPartitions: [TopicName: Int32] = [:]
    var nextPartitionLook: ContinuousClock.Instant
    /// The halts that were said, so that they are not said at every attempt.
    var said: [Int: SegmentHalt] = [:]

    /// One task at a time feeds or replaces the producer.
    var isBusy = false { didSet { work.withLock { $0.isUnderWay = isBusy } } }
    /// One task at a time changes the table of dead letters or looks at it.
    var isRecording = false
    let changed = Signal()
    /// Advanced when something halts or is parked.
    let attention = Signal()

    package init(_ options: KafkaPublisherOptions, logger: Logger) {
        self.options = options
        name = options.name
        scope = options.scope
        var logger = logger
        logger[metadataKey: "consumer"] = "\(options.name)"
        self.logger = logger
        metrics = PublisherMetrics(options.name)
        router = Router(options.route)
        recordSize = RecordSize(options.route)
        largestTaken = Atomic(options.largestRecord)
        nextPartitionLook = .now + options.partitionLookInterval
        backoff = Backoff(initial: .milliseconds(100), maximum: options.longestPause)
        preparation = TopicPreparation(client: options.client, policy: options.topics, logger: logger)
    }

    package nonisolated var status: PublisherStatus { shared.withLock { $0 } }

    /// Records handed to the client and not yet reported.
    package var queueLength: Int { run?.producer.queueLength ?? 0 }

    /// Connects and makes the topics that are known from the start usable, so that what is missing is said before the
    /// first event. Waits for brokers, and for what is missing, without end.
    ///
    /// - Throws: ``DeliveryError``, when the client cannot be built or the publisher is closed.
    package func prepare() async throws {
        try await occupied {
            for topic in options.fixedTopics { _ = router.topic(named: topic) }
            try await restoreRun()
        }
    }

    /// Ends the producer; what is not acknowledged stays so. Whoever waits is told.
    package func close() async {
        isClosed = true
        changed.advance()
        attention.advance()
        await run?.producer.close()
    }

    // MARK: Publishing

    package func publish(_ batch: FeedBatch) async throws -> Publication {
        guard let events = batch.events else { return .acknowledged }
        let id = take(batch, events)
        do {
            try await occupied { try await self.feedOrRestore() }
        } catch {
            forget(id)
            throw error
        }
        return Publication { try await self.acknowledge(id) }
    }

    /// Waits until a inFlight is delivered, over as many runs as it takes.
    private func acknowledge(_ id: Int) async throws -> PublicationOutcome {
        do {
            try await deliver(id)
            try await commitParked(of: id)
        } catch {
            // Whoever hands it over again must find nothing of it here.
            forget(id)
            throw error
        }
        if let index = index(of: id) { noteDone(inFlightBatches.remove(at: index)) }
        return PublicationOutcome(halts: halts.of(consignmentsThrough: id))
    }

    func deliver(_ id: Int) async throws {
        while let index = index(of: id), inFlightBatches[index].isOpen {
            try checkGoing()
            guard let batch = inFlightBatches[index].batch else {
                try await occupied {
                    // Fed meanwhile, or left unfed by a task that was cancelled.
                    guard let index = self.index(of: id), inFlightBatches[index].batch == nil else { return }
                    try await feedOrRestore()
                }
                continue
            }
            let progress = await batch.settled()
            guard let index = self.index(of: id), inFlightBatches[index].batch === batch else { continue }
            if progress.isDelivered {
                _ = takeOutcomes(at: index)
                noteFlow()
            } else if progress.isSettled {
                try await occupied {
                    // Somebody else may have replaced the run while this waited.
                    guard let index = self.index(of: id), inFlightBatches[index].batch === batch else { return }
                    try await restoreRun()
                }
            }
        }
    }

    /// Drops a inFlight that nobody waits for any more; what is under way of it is not called back.
    func forget(_ id: Int) {
        inFlightBatches.removeAll { $0.id == id }
        halts.forget(inFlight: id)
    }

    // MARK: Small things

    func topic(of entry: FailureAssessment.Entry) -> TopicName? {
        index(of: entry.inFlight).map { router.topics[inFlightBatches[$0].entries[entry.index].topic] }
    }

    func topicName(of entry: FailureAssessment.Entry) -> String {
        topic(of: entry).map { "topic `\($0)`" } ?? "a topic"
    }

    func index(of id: Int) -> Int? { inFlightBatches.firstIndex { $0.id == id } }

    func checkGoing() throws {
        if isClosed { throw DeliveryError.closed }
        try Task.checkCancellation()
    }

    /// Waits before the next attempt; less when the publisher is closed or the task cancelled.
    func pause() async {
        await rest(backoff.next())
    }

    func occupied(_ body: () async throws -> Void) async throws {
        while isBusy {
            let generation = changed.generation
            if !isBusy { break }
            await changed.wait(after: generation)
            try Task.checkCancellation()
        }
        isBusy = true
        defer {
            isBusy = false
            changed.advance()
        }
        try await body()
    }
}
