import Consumers
import CoreMetrics
import EventSourcing
import Kafka
import KafkaBridge
import Synchronization
import Telemetry

/// Looks at the relays of the process, and by the database at those of the others, for the admin port.
///
/// Nothing looks while nobody asks. A database that does not answer delays no answer for long: what is known is told.
final class RelayObserver: Sendable {
    private static let patience: Duration = .seconds(1)
    /// Figures that are older after a look are not of now.
    private static let longestLook: Duration = .seconds(5)

    private struct Seen {
        var holds: [HorizonHold] = []
        var picture: StatusSource.Picture?
        /// When the database was last asked with success.
        var time: ContinuousClock.Instant?
        /// Why the last look at it failed; `nil` where it did not.
        var failure: String?
    }

    /// Others, once the source was begun anew.
    private let current: Mutex<Relays>
    private let metricsFactory: any MetricsFactory
    /// Consumers of other sources, which may be recorded in the same tables.
    private let others: Set<String>
    private let judgement: ConsumerDiagnosis
    private let database: StatusConnection
    private let storeMetrics: Mutex<StoreMetrics>
    private let configuration: Configuration
    private let asked = WakeSignal()
    private let looked = Signal()
    private let seen = Mutex(Seen())
    private let histories = Mutex<[String: RateHistory]>([:])
    private let start: StartState

    init(
        _ relays: Relays, metrics: any MetricsFactory, configuration: Configuration, others: Set<String> = [],
        start: StartState
    ) throws {
        guard let connection = configuration.database.connection else {
            throw Failure(.configuration, "no database is configured")
        }
        current = Mutex(relays)
        self.configuration = configuration
        metricsFactory = metrics
        self.others = others
        self.start = start
        storeMetrics = Mutex(Self.storeMetrics(relays, configuration))
        judgement = ConsumerDiagnosis(
            staleThreshold: configuration.worker.staleThreshold, auditInterval: configuration.audit.interval,
            deliveries: configuration.deliveries)
        database = StatusConnection(
            connection, tables: configuration.database.tables, scopes: configuration.scopes)
    }

    private var relays: Relays { current.withLock { $0 } }

    private static func storeMetrics(_ relays: Relays, _ configuration: Configuration) -> StoreMetrics {
        StoreMetrics(
            worker: relays.worker.id, consumers: Set(configuration.consumers.map(\.name)),
            audits: configuration.audit.interval != nil)
    }

    /// Looks at others from now on.
    func look(at relays: Relays) {
        current.withLock { $0 = relays }
        storeMetrics.withLock { $0 = Self.storeMetrics(relays, configuration) }
    }

    /// Looks at the database whenever somebody asked, until cancelled.
    func run() async {
        while !Task.isCancelled {
            guard await asked.wait(atMost: .seconds(3600)) else { continue }
            if await relays.worker.snapshot().isConnected {
                // What is wrong with the database, the relays say.
                try? await relays.source.lookForLatest()
                let holds = try? await relays.source.holds()
                let result = await database.read()
                seen.withLock { seen in
                    seen.holds = holds ?? []
                    switch result {
                    case .success(let picture):
                        (seen.picture, seen.time, seen.failure) = (picture.without(others), .now, nil)
                    case .failure(let failure): seen.failure = failure.message
                    }
                }
            }
            looked.advance()
        }
        await database.close()
    }

    /// Notes every few seconds how much was done, for the dashboard's lines, until cancelled.
    func sample() async {
        while !Task.isCancelled {
            let standing = await relays.worker.snapshot()
            let now = ContinuousClock.now
            histories.withLock { histories in
                for consumer in standing.consumers {
                    histories[consumer.name, default: RateHistory()].note(consumer.done, at: now)
                }
            }
            try? await Task.sleep(for: RateHistory.interval)
        }
    }

    /// How many events per second each consumer of this process processed lately.
    var rates: [String: RateHistory] { histories.withLock { $0 } }

    /// What waits for a decision; `nil` when the database does not tell.
    func deadLetters(of consumer: String) async -> [DeadLetter]? {
        await database.deadLetters(of: consumer, limit: ConsumerDetails.mostDeadLetters)
    }

    /// Brings the metrics up to date.
    func report() async {
        await look()
        let status = await lookedStatus()
        let storeMetrics = storeMetrics.withLock { $0 }
        withMetricsFactory(metricsFactory) {
            if let picture = status.picture { storeMetrics.report(picture, age: status.pictureAge ?? .zero) }
            storeMetrics.report(status.diagnosis)
            storeMetrics.report(status.deliveries)
        }
    }

    func status() async -> RelayStatus {
        await look()
        return await lookedStatus()
    }

    /// After a look, which may have failed, or take long.
    private func lookedStatus() async -> RelayStatus {
        let seen = seen.withLock { $0 }
        var status = await status(of: seen)
        let age = seen.time.map { .now - $0 }
        if let failure = seen.failure {
            status.unseen = failure
        } else if age.map({ $0 > Self.longestLook }) ?? true {
            status.unseen = "the database has not answered a look yet"
        }
        return status
    }

    /// Up to which position events are settled, without asking the database; `nil` where nothing is read.
    func settledPosition() async -> Int64? {
        let standing = await relays.worker.snapshot()
        return standing.isConnected && standing.horizon.problem == nil ? standing.horizon.position : nil
    }

    /// Does not ask the database: the heartbeat does that all the time.
    func reasonsNotReady() async -> [String] { await status(of: Seen()).reasonsNotReady }

    private func status(of seen: Seen) async -> RelayStatus {
        let moving = histories.withLock { histories in histories.filter { $0.value.current > 0 }.map(\.key) }
        return RelayStatus(
            worker: relays.worker.id, standing: await relays.worker.snapshot(),
            conditions: relays.publishers.reduce(into: [:]) { $0[$1.name] = $1.condition },
            silences: relays.publishers.reduce(into: [:]) { $0[$1.name] = $1.brokersSilence },
            holds: seen.holds, residentMemory: ResidentMemory.bytes, picture: seen.picture,
            pictureAge: seen.time.map { .now - $0 }, moving: Set(moving), judgement: judgement,
            startsWith: start.waitsFor, missingSession: await relays.sessions.problem(), failure: start.failure)
    }

    private func look() async {
        let generation = looked.generation
        asked.wake()
        await withTaskGroup { [looked] group in
            group.addTask { await looked.wait(after: generation) }
            group.addTask { try? await Task.sleep(for: Self.patience) }
            await group.next()
            group.cancelAll()
        }
    }
}
