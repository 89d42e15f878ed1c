package import Consumers
package import EventSourcing
import Kafka
package import Logging
package import Postgres
import Synchronization

/// Publishes a consumer's events to Kafka, in order, each acknowledged by all replicas in sync.
///
/// What is to be done is decided by ``DeliveryState``; this performs it: one loop builds and closes producers, asks about
/// topics and takes in reports. Records are given to the producer as they come, by the task that brings them.
package actor KafkaPublisher: SizedConsumer, EndingConsumer {
    package nonisolated let name: String
    package nonisolated let scope: EventScope
    /// Of librdkafka's message, its headers and its share of a request.
    package nonisolated var memoryPerEvent: Int { options.route.memoryPerEvent }

    nonisolated let options: KafkaPublisherOptions
    nonisolated let logger: Logger
    private let report: DeliveryReport
    private let lookup: TopicLookup
    private let transactions: TransactionWork?
    private var state: DeliveryState
    private(set) var instance: ProducerInstance?
    /// How batches ended that no caller has asked about yet.
    private var resolutions: [Int: DeliveryState.Resolution] = [:]
    /// What counts the memory of batches' records, exactly once: for how many events, by the batches' ids.
    private var memory: [Int: (records: RecordMemory?, events: Int)] = [:]
    private let resolved = Signal()
    /// Why nothing is delivered any more.
    private var failure: (any Error)?
    /// Performs what takes time. A bare task, because the publisher works between the calls of its users, from the first of
    /// them to ``close()``.
    private var work: Task<Void, Never>?
    /// Advanced when there may be something to do.
    private let changed = Signal()
    private var alarm: ContinuousClock.Instant?
    /// Since when not everything flows.
    private var troubleSince: ContinuousClock.Instant?
    /// Advanced when something begins or ends to be there to do beside the batches.
    nonisolated let attention = Signal()
    private var knownDuties: DeliveryState.Duties = []
    /// Has the ownership of the segments asked for again.
    private var rejoin: (@Sendable () -> Void)?
    private let table = Turn()
    /// Looks at what operators want delivered again: how many began and ended.
    private var redriveLooks = (begun: 0, ended: 0)
    /// Whether the table of dead letters was there once.
    private var hasUsedTable = false
    nonisolated let shared = Mutex(Shared())

    package init(_ options: KafkaPublisherOptions, logger: Logger) {
        self.options = options
        name = options.name
        scope = options.scope
        var logger = logger
        logger[metadataKey: "consumer"] = "\(options.name)"
        self.logger = logger
        report = DeliveryReport(logger, PublisherMetrics(options.name, isExactlyOnce: options.exactlyOnce != nil))
        lookup = TopicLookup(options, logger: logger)
        transactions = TransactionWork(options, logger: logger)
        state = DeliveryState(options.delivery, fixedTopics: options.fixedTopics)
        shared.withLock { $0.largestPayload = options.largestPayload(options.largestRecord) }
    }

    // MARK: The way of the events

    /// Takes a batch over. Its events are examined, routed and given to the producer at once where nothing is in the way, and
    /// by the loop as soon as it is not.
    package func publish(_ batch: FeedBatch) async throws -> Publication {
        guard let events = batch.events else { return .acknowledged }
        try begin()
        let id = state.accept(batch, events, now: .now)
        if options.exactlyOnce != nil { memory[id] = (batch.records, batch.selection.count) }
        advance()
        return Publication {
            guard case .publication(let outcome) = try await self.resolution(of: id) else { return .done }
            return outcome
        }
    }

    /// Gives the producer what it takes, takes in its reports, and has the loop do the rest.
    private func advance() {
        let now = DeliveryState.Moment.now
        instance?.observe(&state, report.metrics, now: now)
        while let feed = state.nextFeed(now) { instance?.give(feed, &state, report.metrics) }
        settle(now)
        changed.advance()
    }

    private func run() async {
        await withDiscardingTaskGroup { group in
            while true {
                let seen = changed.generation
                let now = DeliveryState.Moment.now
                instance?.observe(&state, report.metrics, now: now)
                switch state.next(now: now) {
                case .startProducer(let smallestLimit): startProducer(smallestLimit)
                case .endProducer: await endProducer()
                case .ask(let question): group.addTask { await self.ask(question) }
                case .initializeTransactions(let number): group.addTask { await self.initialize(number) }
                case .takeOver(let number, let segments, let known):
                    group.addTask { await self.takeOver(number, segments, known) }
                case .commit(let number, let progress): group.addTask { await self.commit(number, progress) }
                case .feed(let feed): instance?.give(feed, &state, report.metrics)
                case .record(let rows): group.addTask { await self.record(rows) }
                case .wait(let time):
                    settle(now)
                    if let time, alarm.map({ time < $0 }) ?? true {
                        alarm = time
                        group.addTask { await self.wake(at: time) }
                    }
                    await changed.wait(after: seen)
                case .stop: return group.cancelAll()
                }
            }
        }
    }

    /// Tells everyone what has changed.
    private func settle(_ now: DeliveryState.Moment) {
        state.watch(now)
        let notices = state.takeNotices()
        report.write(notices)
        // A transaction grows by what is acknowledged of it, and would otherwise be as small as what may be under way.
        for change in state.takeRecordMemory() {
            switch change {
            case .free(let id): if let (records, count) = memory[id] { records?.release(events: count) }
            case .used(let id): if let (records, count) = memory[id] { records?.restore(events: count) }
            }
        }
        let ended = state.takeResolved()
        for (id, resolution) in ended {
            memory[id] = nil
            resolutions[id] = resolution
        }
        if !ended.isEmpty { resolved.advance() }
        let (isWaiting, producer) = (state.isWaiting, instance?.producer)
        var status = state.status(now: now)
        // Why nothing is acknowledged is known.
        if case .stalled = status, let outage = Self.outage(producer, isWaiting) { status = .waiting(outage) }
        let before = shared.withLock { shared in
            defer {
                shared.status = status
                shared.producer = producer
                shared.isWaiting = isWaiting
                shared.silentSince = state.silentSince?.microseconds
                shared.tally.take(notices)
            }
            return shared.status
        }
        let isDelivering = state.lastProgress.map { $0.instant >= troubleSince ?? $0.instant } ?? false
        report.write(status, before: before, isDelivering: isDelivering)
        troubleSince = status == .flowing ? nil : troubleSince ?? now.instant
        let duties = state.duties
        if duties != knownDuties { attention.advance() }
        knownDuties = duties
        report.metrics.transactions?.update(age: state.exactlyOnce?.transaction.began.map { now.instant - $0 })
        if state.asksForOwnership(now) { rejoin?() }
    }

    /// Waits until a batch has ended, over as many producers as it takes.
    private func resolution(of id: Int) async throws -> DeliveryState.Resolution {
        while true {
            let seen = resolved.generation
            if let resolution = resolutions.removeValue(forKey: id) { return resolution }
            if Task.isCancelled {
                state.forget(id)
                advance()
                throw CancellationError()
            }
            if let failure { throw failure }
            await resolved.wait(after: seen)
        }
    }

    // MARK: From begin to end

    /// Connects and looks at the topics that are known from the start, so that what is missing is reported before the first
    /// event. Waits for brokers without end.
    ///
    /// - Throws: ``DeliveryError``, when the client cannot be built or the publisher is closed.
    package func prepare() async throws {
        try begin()
        while !state.isPrepared {
            let seen = resolved.generation
            if let failure { throw failure }
            try Task.checkCancellation()
            await resolved.wait(after: seen)
        }
    }

    private func begin() throws {
        if let failure { throw failure }
        if work == nil { work = Task { await run() } }
    }

    /// Ends the producer; what is not acknowledged stays so, which every caller that waits is told.
    package func close() async {
        fail(DeliveryError.closed)
        await work?.value
        guard let instance else { return }
        // Or readers of committed records would wait for its end.
        if state.exactlyOnce?.transaction.began != nil { await instance.transactional?.abort() }
        await instance.producer.close()
    }

    private func fail(_ error: any Error) {
        failure = failure ?? error
        state.close()
        changed.advance()
        resolved.advance()
        attention.advance()
    }

    private func startProducer(_ smallestLimit: Int) {
        let (client, largestBatch) = options.producer(smallestLimit: smallestLimit)
        do {
            instance = try ProducerInstance(client, options, logger: logger, observer: changed)
            state.producerStarted(largestBatch: largestBatch, now: .now)
            // What waits until everything is prepared may have seen the producer before end.
            resolved.advance()
        } catch {
            if state.producerNumber == 0 { return fail(DeliveryError.configuration(error)) }
            state.producerNotBuilt(error, now: .now)
        }
    }

    private func endProducer() async {
        let ended = instance
        let cause = ended?.producer.failure
        if let cause { logger.debug("the producer has ended: \(cause)") }
        let outcomes = await ended?.end() ?? [:]
        instance = nil
        state.producerEnded(outcomes, cause: cause, now: .now)
    }

    private func wake(at time: ContinuousClock.Instant) async {
        try? await Task.sleep(until: time)
        if alarm == time { alarm = nil }
        changed.advance()
    }

    private func ask(_ question: DeliveryState.TopicQuestion) async {
        guard let producer = instance?.producer else { return }
        let result = await lookup.answers(to: question, on: producer)
        state.answered(question, result, now: .now)
        shared.withLock {
            $0.largestPayload = options.largestPayload(min(options.largestRecord, state.largestLimit))
        }
        advance()
        resolved.advance()
    }

    // MARK: Transactions

    private func initialize(_ number: Int) async {
        guard let transactions, let transactional = instance?.transactional else { return }
        let result = await transactions.initialize(transactional)
        if number == state.producerNumber, case .success(let topic) = result { instance?.progressTopic = topic }
        state.initialized(producer: number, result.map { _ in }, now: .now)
        advance()
    }

    private func takeOver(_ number: Int, _ segments: [ServedSegment], _ known: [Int: SegmentProgress]) async {
        guard let transactions, let producer = instance?.producer else { return }
        let result = await transactions.takeOver(segments, known: known, producer)
        state.tookOver(producer: number, result, now: .now)
        advance()
    }

    private func commit(_ number: Int, _ progress: [Int: SegmentProgress]) async {
        // Without an instance its end was noted.
        guard let transactions, let transactional = instance?.transactional else { return }
        guard let topic = instance?.progressTopic else {
            let error = KafkaError(.state, message: "the topic of the progress is not prepared")
            return state.committed(producer: number, error, now: .now)
        }
        let error = await transactions.commit(
            progress.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, in: topic, transactional)
        if error == nil, number == state.producerNumber { instance?.committed(report.metrics) }
        state.committed(producer: number, error, now: .now)
        advance()
    }

    package func wroteCheckpoints(_ checkpoints: [Int: Int64]) { state.exactlyOnce?.wroteCheckpoints(checkpoints) }

    package var lastRecorded: BoundStatement? {
        state.lastRecorded.flatMap { options.deadLetters?.holds(name, $0) }
    }

    package func willRelease(_ segments: Set<Int>) async {
        guard let transactions else { return }
        let released = state.release(segments)
        if !released.isEmpty { await transactions.release(released) }
    }

    // MARK: The table of dead letters

    package func serve(_ segments: [ServedSegment]) async throws {
        let begun = state.serve(segments)
        if let store = options.deadLetters, !begun.isEmpty {
            try await withTable {
                let knowledge = try await insist { try await store.know(self.name, begun) }
                state.learned(knowledge, of: begun)
            }
        }
        advance()
    }

    package func run(
        _ retry: @escaping @Sendable (_ segments: Set<Int>) -> Void,
        rejoin: @escaping @Sendable () -> Void,
        admit: @escaping @Sendable (_ wanted: Int) async throws -> Int?
    ) async throws {
        self.rejoin = rejoin
        try await DeadLetterDuty(publisher: self, retry: retry, admit: admit).run()
    }

    package func finish() async throws {
        guard options.deadLetters != nil else { return }
        // One that begins from now on sees what was asked for until now.
        let last = redriveLooks.begun + 1
        while state.duties.contains(.parked), redriveLooks.ended < last {
            let seen = resolved.generation
            try checkGoing()
            await resolved.wait(after: seen)
        }
    }

    /// Counts a look at what operators want delivered again.
    func redriving(_ body: () async throws -> Void) async throws {
        redriveLooks.begun += 1
        let look = redriveLooks.begun
        try await body()
        redriveLooks.ended = look
        resolved.advance()
    }

    func redrove(_ count: Int) { shared.withLock { $0.tally.redriven += count } }

    private func record(_ rows: [UndeliverableEvent]) async {
        guard let store = options.deadLetters else { return }
        do {
            try await withTable {
                let epochs = try await insist { try await store.record(self.name, rows, as: .parked) }
                state.recorded(rows, epochs: epochs)
            }
        } catch is CancellationError {
            state.recorded([], epochs: [:])
        } catch {
            fail(error)
        }
        advance()
    }

    /// Has one task at a time change the table or look at it, so that no event is recorded between a look and what is
    /// concluded from it.
    func withTable(_ body: () async throws -> Void) async throws {
        try await table.take()
        defer { table.give() }
        try await body()
    }

    /// Whether an error about the table of dead letters is waited out, and is shown until then: what was never to be had is
    /// not.
    private func waits(after error: any Error) -> Bool {
        guard hasUsedTable ? error.isRecoverable : error.isDatabaseAway else { return false }
        let text = error.databaseTrouble?.kind == .away ? nil : "the table of dead letters: \(error)"
        let isNew = shared.withLock { shared in
            defer { shared.tableTrouble = text }
            return text != nil && shared.tableTrouble != text
        }
        if isNew, let text { logger.warning("waiting for the database, \(text)") }
        return true
    }

    private func usedTable() {
        hasUsedTable = true
        shared.withLock { $0.tableTrouble = nil }
    }

    /// Does something with the table once; false if it is to be tried again later.
    func attempt(_ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            usedTable()
            return true
        } catch {
            try checkGoing()
            guard waits(after: error) else { throw error }
            return false
        }
    }

    /// Tries again for as long as the database is away.
    func insist<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        var retry = DatabaseRetry()
        while true {
            try checkGoing()
            do {
                let value = try await body()
                usedTable()
                return value
            } catch {
                try checkGoing()
                guard waits(after: error) else { throw error }
                try await retry.pause(after: error)
            }
        }
    }

    func checkGoing() throws {
        if let failure { throw failure }
        try Task.checkCancellation()
    }

    /// What is known of the delivery.
    func look<Value: Sendable>(_ body: (borrowing DeliveryState) -> Value) -> Value { body(state) }

    /// Takes in what the table of dead letters says.
    func withState<Value: Sendable>(_ body: (inout DeliveryState) -> Value) -> Value {
        let value = body(&state)
        advance()
        return value
    }

    /// Delivers parked events again; `nil` if their segment was lost or began anew meanwhile.
    func redrive(_ plan: RedrivePlan, _ events: EventBatch, segment: ServedSegment) async throws -> RedriveOutcome? {
        try begin()
        guard state.serves(segment) else { return nil }
        let id = state.accept(redrive: plan, events, segment: segment.segment, now: .now)
        advance()
        guard case .redrive(let outcome) = try await resolution(of: id) else { return nil }
        return outcome
    }
}
