import EventSourcing

@testable import Consumers
@testable import Kafka
@testable import KafkaBridge
@testable import Postgres

/// What ``KafkaPublisher``, ``ProducerInstance`` and ``TransactionWork`` do: performs what ``DeliveryState`` decides.
final class RelayDelivery: @unchecked Sendable {
    private unowned let consumer: RelayConsumer
    private var process: RelayProcess { consumer.process }
    private var simulation: Simulation { consumer.simulation }
    private(set) var state: DeliveryState
    private let id: String?
    private var client: SimulatedClient?
    private var outcomes: [Int: PublicationOutcome] = [:]
    private var alarm: ContinuousClock.Instant?
    private var isPumping = false

    init(_ consumer: RelayConsumer) throws {
        self.consumer = consumer
        id = consumer.index == 1 ? "once-\(consumer.process.name)" : nil
        let name = RelayTables.consumers[consumer.index]
        let simulation = consumer.simulation
        state = DeliveryState(
            DeliveryState.Options(
                consumer: name, route: Route(topic: try TopicTemplate("\(name)-{event_type}")), onPoison: .park,
                canPark: true, longestPause: .milliseconds(600), transactionalID: id, scope: consumer.scope,
                transactionLimits: .init(records: 12, time: .milliseconds(40), busy: 4, quiet: .milliseconds(5)),
                pause: { $0.next(using: &simulation.random) }))
    }

    func killed() { _ = client?.close() }

    private var now: DeliveryState.Moment { process.moment }

    // MARK: What the consumer asks

    func accept(_ batch: FeedBatch) -> Int? { batch.events.map { state.accept(batch, $0, now: now) } }

    func takeOutcome(of id: Int) -> PublicationOutcome? { outcomes.removeValue(forKey: id) }

    func serve(_ segments: [ServedSegment]) -> [ServedSegment] {
        defer { pump() }
        return state.serve(segments)
    }

    func learned(_ knowledge: DeadLetterStore.Knowledge, of begun: [ServedSegment]) {
        state.learned(knowledge, of: begun)
        pump()
    }

    func wroteCheckpoints(_ checkpoints: [Int: Int64]) { state.exactlyOnce?.wroteCheckpoints(checkpoints) }

    func willRelease(_ segments: Set<Int>) async {
        guard let id else { return }
        let released = state.release(segments)
        if !released.isEmpty { try? await process.ask(process.membership.session) { $0.releaseOwner(id, released) } }
    }

    func retries() -> Set<Int> {
        defer { pump() }
        return state.retries(now.instant)
    }

    /// Why nothing is delivered, where an operator has to decide.
    var refusal: String? { if case .refused(let text) = state.status(now: now) { text } else { nil } }

    // MARK: The loop

    func pump() {
        guard process.isAlive, !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        observe()
        while true {
            let number = state.producerNumber
            switch state.next(now: now) {
            case .startProducer:
                let client = SimulatedClient(process, transactionalID: id)
                client.reported = { [weak self] in self?.process.after(0) { self?.pump() } }
                self.client = client
                state.producerStarted(largestBatch: 0, now: now)
            case .endProducer:
                let ended = client
                client = nil
                process.after(simulation.draw(0...20)) { [self] in
                    state.producerEnded(ended?.close() ?? [:], cause: ended?.failure, now: now)
                    pump()
                }
            case .ask(let question): process.run { try await self.ask(question) }
            case .initializeTransactions(let producer): process.run { try await self.initialize(producer) }
            case .takeOver(let producer, let segments, let known):
                process.run { try await self.takeOver(producer, segments, known) }
            case .feed(let feed): give(feed)
            case .commit(_, let progress): process.run { try await self.commit(number, progress) }
            case .record(let rows): process.run { try await self.record(rows) }
            case .wait(let time):
                settle()
                if let time, alarm.map({ time < $0 }) ?? true {
                    alarm = time
                    process.after(process.milliseconds(until: time)) { [self] in
                        guard alarm == time else { return simulation.uncount() }
                        alarm = nil
                        pump()
                    }
                }
                return
            case .stop: return
            }
        }
    }

    private func give(_ feed: DeliveryState.Feed) {
        let names = state.router.topics.map(\.description)
        guard let client, client.failure == nil else { return state.producerFailed() }
        let count = client.give(feed) { names[$0] }
        state.fed(feed, count, isFull: count < feed.records.count, now: now)
        if count < feed.records.count {
            process.after(10) { [weak client, self] in
                // Room in the queue shows with the next report.
                if let client, client === self.client { observe(); pump() }
            }
        }
    }

    private func observe() {
        guard let client else { return }
        if client.failure != nil { return state.producerFailed() }
        for batch in client.counts.keys.sorted()
        where state.observed(batch, acknowledged: client.acknowledged(batch), now: now) {
            client.forget(batch)
        }
    }

    private func settle() {
        state.watch(now)
        _ = state.takeNotices()
        _ = state.takeRecordMemory()
        for (id, resolution) in state.takeResolved() {
            if case .publication(let outcome) = resolution { outcomes[id] = outcome }
        }
        if state.asksForOwnership(now) { consumer.doubtLease() }
        consumer.acknowledge()
    }

    private func ask(_ question: DeliveryState.TopicQuestion) async throws {
        let names = question.topics.map(\.name.description)
        do {
            let counts = try await process.askBrokers { brokers in names.map { brokers.partitionCount($0) } }
            let answers = zip(question.topics, counts).map { topic, count -> DeliveryState.TopicAnswer in
                guard let count else { return .init(answer: .refused(KafkaError(.unknownTopicOrPartition))) }
                return .init(
                    answer: .ready(TopicHandle(index: Int32(topic.index), partitionCount: Int32(count))),
                    settings: TopicSettings(), partitions: Int32(count))
            }
            state.answered(question, .success(answers), now: now)
        } catch is Lost {
            state.answered(question, .failure(KafkaError(.transport)), now: now)
        }
        pump()
    }

    private func record(_ rows: [UndeliverableEvent]) async throws {
        let index = consumer.index
        do {
            let epochs = try await process.ask(process.membership.session) { $0.park(index, rows) }
            simulation.note("\(process.name): parked \(rows.map(\.position)) of \(index)")
            state.recorded(rows, epochs: epochs)
        } catch is Lost {
            try await process.sleep(50)
            state.recorded([], epochs: [:])
        }
        pump()
    }

    // MARK: Transactions

    private func initialize(_ number: Int) async throws {
        guard let id, let client else { return }
        do {
            let (producer, epoch) = try await own(id)
            client.own(producer, epoch)
            state.initialized(producer: number, .success(()), now: now)
        } catch is Lost {
            state.initialized(producer: number, .failure(KafkaError(.timedOut)), now: now)
        }
        pump()
    }

    /// Takes a transactional id over; what was open under it is aborted.
    func own(_ id: String) async throws -> (Int, Int) {
        for _ in 0..<40 {
            if let owned = try await process.askBrokers({ $0.initialize(id).map { [$0.producer, $0.epoch] } }) {
                return (owned[0], owned[1])
            }
            try await process.sleep(10)
        }
        throw Lost()
    }

    private func takeOver(_ number: Int, _ segments: [ServedSegment], _ known: [Int: SegmentProgress]) async throws {
        var takeover = SegmentTakeover(RelayTakeover(process, delivery: self, id: id ?? ""))
        do {
            let beginnings = try await takeover.run(segments, known: known)
            simulation.note("\(process.name) took over \(segments.map(\.segment))")
            state.tookOver(producer: number, .success(beginnings), now: now)
        } catch is Killed {
            throw Killed()
        } catch is Lost {
            state.tookOver(producer: number, .failure(KafkaError(.timedOut)), now: now)
        } catch {
            simulation.note("\(process.name) refuses: \(error)")
            state.tookOver(producer: number, .failure(error), now: now)
        }
        pump()
    }

    private func commit(_ number: Int, _ progress: [Int: SegmentProgress]) async throws {
        guard let client else { return }
        let error = try await commit(progress, client)
        if error == nil, number == state.producerNumber { client.forgetAll() }
        state.committed(producer: number, error, now: now)
        pump()
    }

    private func commit(_ progress: [Int: SegmentProgress], _ client: SimulatedClient) async throws -> KafkaError? {
        guard let id else { return nil }
        while !client.isFlushed {
            if client.failure != nil { return KafkaError(.state, isAbortable: true) }
            try await process.sleep(3)
        }
        if client.failure != nil { return KafkaError(.state, isAbortable: true) }
        let name = RelayTables.consumers[1]
        let records = progress.sorted { $0.key < $1.key }.map {
            (segment: $0.key, key: $0.value.key(of: name, $0.key), progress: $0.value)
        }
        let (producer, epoch) = (client.producer, client.epoch)
        var transaction: Int?
        for attempt in 0..<6 {
            do {
                let (added, open) = try await process.askBrokers { brokers in
                    (
                        brokers.addProgress(records, producer: producer, epoch: epoch, id: id, sequence: 0),
                        brokers.openTransaction(id)
                    )
                }
                transaction = open
                if added == .fenced { return KafkaError(.fenced) }
                if added == .appended { break }
                try await process.sleep(10)
            } catch is Lost {
                if attempt == 5 { return KafkaError(.requestTimedOut) }
            }
            if attempt == 5 { return KafkaError(.requestTimedOut) }
        }
        let number = transaction
        for _ in 0..<5 {
            do {
                switch try await process.askBrokers({
                    $0.end(id, producer: producer, epoch: epoch, number: number, isCommit: true)
                }) {
                case .ended: return nil
                case .fenced: return KafkaError(.fenced)
                case .nothing: return KafkaError(.state, isAbortable: true)
                case .concurrent: break
                }
            } catch is Lost {}
        }
        return KafkaError(.timedOut)
    }
}

/// What taking segments over asks of the simulated brokers and the database.
final class RelayTakeover: TakeoverAccess, @unchecked Sendable {
    private let process: RelayProcess
    private let delivery: RelayDelivery
    let transactionalID: String
    let remedy = "accept-source"

    init(_ process: RelayProcess, delivery: RelayDelivery, id: String) {
        self.process = process
        self.delivery = delivery
        transactionalID = id
    }

    private func ask<Value: Sendable>(_ work: @escaping (SimulatedDatabase) -> Value) async throws -> Value {
        try await process.ask(process.membership.session, work)
    }

    func owners(of segments: [Int]) async throws -> [Int: TransactionStore.Owner] {
        try await ask { database in
            database.state.tables.owners.filter { segments.contains($0.key) }.mapValues {
                TransactionStore.Owner(transactionalID: $0.id, epoch: $0.epoch, lineage: $0.lineage)
            }
        }
    }

    func record(
        _ segments: [ServedSegment], lineage: String, former: [Int: TransactionStore.Owner]
    ) async throws -> [Int: TransactionStore.Recorded] {
        let id = transactionalID
        return try await ask { $0.record(id, lineage: lineage, segments, former: former) }
    }

    func claimed(_ segments: [ServedSegment]) async throws -> Set<Int> { try await ask { $0.claimed(segments) } }

    func fence(_ id: String) async throws {
        process.simulation.note("\(process.name) fences \(id)")
        _ = try await delivery.own(id)
    }

    func progress(_ lineages: [Int: String]) async throws -> [Int: SegmentProgress] {
        var found: [Int: SegmentProgress] = [:]
        for (segment, lineage) in lineages.sorted(by: { $0.key < $1.key }) {
            let key = SegmentProgress.key(of: RelayTables.consumers[1], segment, lineage)
            var attempts = 0
            while true {
                if let answer = try await process.askBrokers({ $0.progress(segment, key) }) {
                    found[segment] = answer
                    break
                }
                attempts += 1
                if attempts > 100 { throw Lost() }
                try await process.sleep(10)
            }
        }
        return found
    }

    func parked(_ asked: [DeadLettersTable.Passed], limit: Int) async throws -> [Int: [Int64]] {
        try await ask { database in
            var parked: [Int: [Int64]] = [:]
            for one in asked {
                let positions = database.state.tables.letters[1].filter {
                    $0.value.segment == one.segment && $0.key > one.position && $0.key <= one.checkpoint
                }.keys.sorted()
                if !positions.isEmpty { parked[one.segment] = Array(positions.suffix(limit)) }
            }
            return parked
        }
    }

    func missing(_ events: [EventReference]) async throws -> [EventReference] {
        try await ask { database in
            events.filter { database.state.rows[$0.position] != Account.number($0.eventID) }
        }
    }
}
