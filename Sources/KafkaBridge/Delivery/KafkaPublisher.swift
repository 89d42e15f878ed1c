package import Consumers
package import EventSourcing
import Kafka
package import Logging
import Synchronization

/// Publishes a consumer's events to Kafka, in order, each acknowledged by all replicas in sync.
///
/// Any report that is not a success ends the run: nothing more is fed, the producer is closed, and a new one takes up
/// what is not acknowledged, in order. What passes by itself, or by somebody mending it, is waited for without end and
/// said once. An event that can never be delivered halts the consumer behind everything before it.
package actor KafkaPublisher: IntegrationConsumer {
    package nonisolated let name: String
    package nonisolated let scope: EventScope

    let options: KafkaPublisherOptions
    let logger: Logger
    let metrics: PublisherMetrics
    let preparation: TopicPreparation
    nonisolated let shared = Mutex(PublisherStatus.flowing)

    var router: Router
    var run: ProducerRun? { didSet { producer.withLock { $0 = run?.producer } } }
    /// The run's producer, for those who look from outside.
    nonisolated let producer = Mutex<Producer?>(nil)
    var runCount = 0
    /// In the order they were handed over.
    var consignments: [Consignment] = []
    var nextID = 0
    var halt: HaltPoint?
    var isClosed = false
    var backoff: Backoff
    var partitionCounts: [TopicName: Int32] = [:]
    /// What was said last, so that it is not said at every attempt.
    var said: String?

    /// One task at a time feeds or replaces the producer.
    var isBusy = false
    let changed = Signal()

    package init(_ options: KafkaPublisherOptions, logger: Logger) {
        self.options = options
        name = options.name
        scope = options.scope
        var logger = logger
        logger[metadataKey: "consumer"] = "\(options.name)"
        self.logger = logger
        metrics = PublisherMetrics(options.name)
        router = Router(options.route)
        backoff = Backoff(most: options.longestPause)
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
            for topic in options.route.fixedTopics {
                _ = router.topic(named: topic)
            }
            try await restoreRun()
        }
    }

    /// Ends the producer; what is not acknowledged stays so. Whoever waits is told.
    package func close() async {
        isClosed = true
        changed.advance()
        await run?.producer.close()
    }

    // MARK: Publishing

    package func publish(_ batch: FeedBatch) async throws -> Publication {
        if let halt { throw halt.reason }
        guard let consignment = route(batch) else { return .acknowledged }
        consignments.append(consignment)
        let id = consignment.id
        do {
            try await occupied { try await self.feedOrRestore() }
        } catch {
            forget(id)
            throw error
        }
        return Publication { try await self.acknowledge(id) }
    }

    /// Finds a topic for every event up to the first that has none or is too large.
    private func route(_ batch: FeedBatch) -> Consignment? {
        guard let events = batch.events else { return nil }
        var entries: [Consignment.Entry] = []
        entries.reserveCapacity(batch.selection.count)
        var halt: PublicationHalted?
        for selected in batch.selection {
            let event = events[selected.index]
            let reason: String
            switch router.topic(for: event) {
            case .success(let topic):
                let size = RecordSize.upperBound(event, options.route)
                if size <= options.maximumRecordBytes {
                    entries.append(Consignment.Entry(row: selected.index, topic: topic))
                    continue
                }
                reason = "its record would take \(size) bytes, and \(options.maximumRecordBytes) are allowed"
            case .failure(let error): reason = error.description
            }
            halt = PublicationHalted(
                acknowledgedThrough: event.globalPosition - 1, position: event.globalPosition, reason: reason)
            break
        }
        nextID += 1
        if let halt { self.halt = HaltPoint(consignment: nextID, entry: entries.count, reason: halt) }
        return Consignment(id: nextID, events: events, entries: entries)
    }

    /// Waits until a consignment is delivered, over as many runs as it takes.
    private func acknowledge(_ id: Int) async throws {
        do {
            try await deliver(id)
        } catch {
            // Whoever hands it over again must find nothing of it here.
            forget(id)
            throw error
        }
        consignments.removeAll { $0.id == id }
        if let halt, id >= halt.consignment {
            say(.halted(position: halt.reason.position, reason: halt.reason.reason))
            throw halt.reason
        }
    }

    private func deliver(_ id: Int) async throws {
        while let index = index(of: id), consignments[index].isOpen(before: halt) {
            try checkGoing()
            guard let batch = consignments[index].batch else {
                try await occupied {
                    // Fed meanwhile, or left unfed by a task that was cancelled.
                    guard let index = self.index(of: id), consignments[index].batch == nil else { return }
                    try await feedOrRestore()
                }
                continue
            }
            let progress = await batch.settled()
            guard let index = self.index(of: id), consignments[index].batch === batch else { continue }
            if progress.isDelivered {
                _ = takeOutcomes(at: index)
                noteFlow()
            } else if progress.isSettled {
                try await occupied {
                    // Somebody else may have replaced the run while this waited.
                    guard let index = self.index(of: id), consignments[index].batch === batch else { return }
                    try await restoreRun()
                }
            }
        }
    }

    /// Drops a consignment that nobody waits for any more; what is under way of it is not called back.
    private func forget(_ id: Int) {
        consignments.removeAll { $0.id == id }
        if let halt, halt.consignment == id, !isHalted { self.halt = nil }
    }

    /// Whether the halt was said, and so stays.
    var isHalted: Bool { if case .halted = status { true } else { false } }

    // MARK: Small things

    func topicName(of entry: FailureVerdict.Entry) -> String {
        guard let index = index(of: entry.consignment) else { return "a topic" }
        return "topic `\(router.topics[consignments[index].entries[entry.index].topic])`"
    }

    func index(of id: Int) -> Int? { consignments.firstIndex { $0.id == id } }

    func checkGoing() throws {
        if isClosed { throw DeliveryError.closed }
        try Task.checkCancellation()
    }

    /// Waits before the next attempt; less when the publisher is closed or the task cancelled.
    func pause() async {
        let end = ContinuousClock.now + backoff.next(chance: .random(in: 0...1))
        while !isClosed, !Task.isCancelled, .now < end {
            let generation = changed.generation
            await withTaskGroup { [changed] group in
                group.addTask { try? await Task.sleep(until: end) }
                group.addTask { await changed.wait(after: generation) }
                await group.next()
                group.cancelAll()
            }
        }
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
