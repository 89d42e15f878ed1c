import Consumers
import CoreMetrics
import KafkaBridge
import Logging
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry

/// Everything that relays the events of one source: reader, control session, publishers, and what works beside them.
///
/// Where there are several sources, one that cannot go on is begun anew after a while, and the others relay meanwhile.
final class RelayUnit: Service {
    let configuration: Configuration
    let audit: AuditService?
    /// `nil` where nobody can ask.
    let observer: RelayObserver?
    /// Those that go on where this one cannot; `nil` where there is one source only.
    private let peers: RelayPeers?
    private let factory: any MetricsFactory
    private let state = StartState()
    private let current: Mutex<Relays>

    /// A source that has relayed for so long begins its waits anew.
    private static let wellAfter: Duration = .seconds(300)

    /// - Parameters:
    ///   - configuration: as the source has it.
    ///   - peers: those that go on where this one cannot; `nil` where there is one source only.
    init(
        _ configuration: Configuration, registry: PrometheusRegistry?, others: Set<String> = [],
        peers: RelayPeers? = nil
    ) throws {
        let own: any MetricsFactory = registry ?? MetricsSystem.factory
        let factory: any MetricsFactory =
            configuration.sourceName.map { LabelledMetrics(factory: own, name: "source", value: $0) } ?? own
        self.configuration = configuration
        self.factory = factory
        self.peers = peers
        let relays = try withMetricsFactory(factory) { try Relays(configuration) }
        current = Mutex(relays)
        observer = try registry.map { [state] _ in
            try RelayObserver(
                relays, metrics: factory, configuration: configuration, others: others, start: state)
        }
        audit = withMetricsFactory(factory) { AuditService(configuration, owner: relays.worker.id) }
    }

    /// What it relays with at the moment.
    var relays: Relays { current.withLock { $0 } }

    func run() async throws {
        guard let peers, let source = configuration.sourceName else { return try await service(relays).run() }
        try await LogContext.$source.withValue(source) { try await run(beside: peers) }
    }

    private func run(beside peers: RelayPeers) async throws {
        var backoff = Backoff(initial: .seconds(4), maximum: .seconds(120))
        var isRestart = false
        while true {
            let began = ContinuousClock.now
            let failure: Failure
            do {
                return try await service(relays, isRestart: isRestart).run()
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                failure = Failure(error)
            }
            // Where no other source is at work, the process ends, and says so.
            guard peers.fail() else { throw failure }
            isRestart = true
            if ContinuousClock.now - began > Self.wellAfter { backoff.reset() }
            let wait = backoff.next()
            let time = "in \(max(1, Int(wait / .seconds(1)))) s"
            state.failure = "nothing is relayed at the moment: \(failure.message); it is tried again \(time)"
            Logger(label: "godwit").error(
                "the source cannot go on, and is tried again \(time); the others go on: \(failure.message)")
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
            } catch {
                // It shows in the exit code.
                try Task.checkCancellation()
                throw failure
            }
            try await renew()
        }
    }

    /// Puts others in the place of what has failed, which connect when they are run.
    private func renew() async throws {
        await relays.close()
        let new = try withMetricsFactory(factory) { try Relays(configuration) }
        current.withLock { $0 = new }
        observer?.look(at: new)
    }

    private func service(_ relays: Relays, isRestart: Bool = false) -> RelayService {
        withMetricsFactory(factory) {
            RelayService(
                preflight: Preflight(configuration, source: relays.source, state: state), worker: relays.worker,
                publishers: relays.publishers, sessions: relays.sessions, remedy: relays.remedy,
                retention: RetentionService(configuration),
                jobs: JobService(configuration, source: relays.source, owner: relays.worker.id),
                brokers: IdleBrokerWatch(
                    publishers: relays.publishers, client: configuration.kafka.client("godwit-watch")),
                peers: peers, isRestart: isRestart)
        }
    }
}

/// The sources of a process that relay, or wait to, so that one that cannot go on ends no other.
final class RelayPeers: Sendable {
    private let working: Mutex<Int>

    init(_ count: Int) { working = Mutex(count) }

    /// Notes that a source cannot go on.
    ///
    /// - Returns: whether others can.
    func fail() -> Bool {
        working.withLock { working in
            working -= 1
            return working > 0
        }
    }

    /// Notes that a source can go on again.
    func recover() { working.withLock { $0 += 1 } }
}
