import EventSourcing
import FoundationEssentials
import Glibc
import Logging
import Postgres
public import ServiceLifecycle
import Synchronization

/// Serves any number of consumers, together with other workers: each consumer's segments are shared fairly among all
/// workers that serve it, and taken over from those that die.
///
/// A database that is away is waited for and never ends a worker. A consumer's own error halts the segment that it came in:
/// it shows, and the event is tried again, while the other segments and consumers go on. A refused set-up ends the worker:
/// all consumers are then stopped in order, as by ``stop()``.
///
/// It is a service of swift-service-lifecycle: a graceful shutdown stops it as ``stop()`` does.
public final class Worker: Service {
    /// Names the worker among the others.
    public let id: String
    let source: EventSource
    private let options: WorkerOptions
    let membership: Membership
    private let pool: ConnectionPool
    let runners: [ConsumerRunner]
    private let checkpoints: CheckpointWriter

    /// A worker for the consumers.
    ///
    /// - Throws: ``InvalidWorkerOption``, or ``WorkerError/duplicateName(_:)``.
    public convenience init(
        _ source: EventSource, consumers: [any Consumer] = [], integrations: [any IntegrationConsumer] = [],
        options: WorkerOptions = WorkerOptions()
    ) throws {
        try self.init(source, consumers, integrations, options: options, isSole: false)
    }

    init(
        _ source: EventSource, _ consumers: [any Consumer], _ integrations: [any IntegrationConsumer],
        options: WorkerOptions, isSole: Bool
    ) throws {
        try options.validate()
        let names = consumers.map(\.name) + integrations.map(\.name)
        for name in names { try options.resolved(for: name).validate() }
        for (index, name) in names.enumerated() where names[..<index].contains(name) {
            throw WorkerError.duplicateName(name)
        }
        let id = Self.makeID()
        let membership = try Membership(
            source, workerID: id, consumers: names, options: options)
        let pool = ConnectionPool(
            source.configuration.session(for: .pool), size: options.transactionConnections, logger: options.logger)
        // Batches are shared, and counted once for the process; no consumer may keep all of it to itself.
        let bytesInFlight = options.bytesInFlight / min(4, max(1, names.count))
        source.reader.memory.limit = options.bytesInFlight
        let transactional = consumers.map { consumer in
            let options = options.resolved(for: consumer.name)
            return ConsumerRunner(
                name: consumer.name, scope: consumer.scope, source: source, membership: membership, options: options,
                isSole: isSole, bytesInFlight: bytesInFlight
            ) { state in
                TransactionalSink(
                    consumer, pool: pool, tables: source.tables, owner: id, state: state, options: options)
            }
        }
        let publishing = integrations.map { consumer in
            ConsumerRunner(
                name: consumer.name, scope: consumer.scope, source: source, membership: membership,
                options: options.resolved(for: consumer.name), isSole: isSole, bytesInFlight: bytesInFlight
            ) { IntegrationSink(consumer, state: $0) }
        }
        for runner in transactional + publishing {
            let own = integrations.first { $0.name == runner.name }
            membership.setCondition(of: runner.name) { [weak state = runner.state] in
                if let own, own.condition != .flowing { return own.condition }
                return state?.condition ?? .flowing
            }
        }
        self.id = id
        self.source = source
        self.options = options
        self.membership = membership
        self.pool = pool
        self.runners = transactional + publishing
        checkpoints = CheckpointWriter(
            runners: transactional + publishing, membership: membership, interval: options.checkpointInterval,
            logger: options.logger)
    }

    /// Host, process and some chance: no two are the same, also not after a restart.
    private static func makeID() -> String {
        "\(ProcessInfo.processInfo.hostName)-\(getpid())-\(String(UInt32.random(in: 0 ... .max), radix: 36))"
    }

    /// Asks the worker to stop: it reads nothing more, finishes what is under way, moves its checkpoints, releases its
    /// segments and leaves the others' list.
    public func stop() {
        for runner in runners { runner.stop() }
    }

    /// The consumers that were stopped before everything under way was done: it will be done again.
    package var consumersLetGo: [String] { runners.filter { $0.hasLetGo.withLock { $0 } }.map(\.name) }

    /// Has the worker read the controls of its consumers at once, not with its next heartbeat.
    package func lookForControls() {
        membership.beatNow()
    }

    /// Works until stopped, also by a graceful shutdown, or, in one-off mode, until everything that was committed before is
    /// handled. A cancelled task lets go at once.
    ///
    /// - Throws: ``WorkerError``, `SourceError`, or a `PostgresError` that waiting does not fix, for example a refused
    ///   password. In one-off mode also ``ConsumerFailure`` or ``PublicationHalted``, once everything else is done.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await work()
        } onGracefulShutdown: {
            self.stop()
        }
    }

    private func work() async throws {
        let failure = await withTaskGroup(of: (Part, (any Error)?).self) { group in
            group.addTask { (.membership, await self.failure { try await self.membership.run() }) }
            group.addTask { (.reader, await self.failure { try await self.read() }) }
            group.addTask { (.checkpoints, await self.failure { try await self.checkpoints.run() }) }
            if options.dispatcherEnabled, options.runMode == .continuous {
                group.addTask { (.dispatcher, await self.failure { try await self.dispatch() }) }
            }
            group.addTask {
                let failure = await self.failure { try await self.serveAll() }
                // Leaves the others' list once the segments are released.
                self.membership.stop()
                return (.consumers, failure)
            }
            var first: (any Error)?
            var running: Set<Part> = [.membership, .consumers]
            while !running.isEmpty, let (part, failure) = await group.next() {
                running.remove(part)
                first = first ?? failure
                if failure != nil { stop() }
            }
            group.cancelAll()
            return first
        }
        await pool.close()
        try Task.checkCancellation()
        if let failure { throw failure }
    }

    private enum Part {
        case membership, reader, checkpoints, dispatcher, consumers
    }

    private func failure(of body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    /// Serves all consumers; the first that fails stops the others.
    private func serveAll() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for runner in runners {
                group.addTask {
                    do {
                        try await runner.run()
                    } catch {
                        // In a one-off run, the others do what is theirs to do.
                        if !(error is PublicationHalted || error is ConsumerFailure) { self.stop() }
                        throw error
                    }
                }
            }
            var failure: (any Error)?
            while let result = await group.nextResult() {
                if case .failure(let error) = result, failure == nil { failure = error }
            }
            if let failure { throw failure }
        }
    }

    private func read() async throws {
        var reading = ReaderOptions()
        let all = runners.map(\.options)
        reading.rows = all.map(\.batchSize).max() ?? options.batchSize
        reading.bytes = options.batchBytes
        reading.bytesInFlight = options.bytesInFlight
        reading.horizonInterval = options.horizonInterval
        reading.wakeupJitter = options.wakeupJitter
        if !options.dispatcherEnabled {
            reading.pollBackoff = PollBackoff(
                initial: options.pollInterval, maximum: options.maxPollInterval, factor: options.pollBackoffFactor)
        }
        try await source.reader.run(runners.map(\.name), options: reading)
    }

    private func dispatch() async throws {
        switch options.wakeupSource {
        case .polling:
            try await PollingDispatcher(source, interval: options.dispatcherPollInterval, logger: options.logger).run()
        case .notify(let notify):
            try await NotifyDispatcher(source, options: notify, logger: options.logger).run()
        }
    }
}
