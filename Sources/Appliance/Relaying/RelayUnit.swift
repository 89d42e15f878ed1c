import Consumers
import CoreMetrics
import KafkaBridge
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry

/// Everything that relays the events of one source: reader, control session, publishers, and what works beside them.
struct RelayUnit: Sendable {
    let configuration: Configuration
    let relays: Relays
    let service: RelayService
    let audit: AuditService?
    /// `nil` where nobody can ask.
    let observer: RelayObserver?

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
        let relays = try withMetricsFactory(factory) { try Relays(configuration) }
        self.relays = relays
        let preflight = Preflight(configuration, source: relays.source)
        observer = try registry.map { _ in
            try RelayObserver(
                relays, metrics: factory, configuration: configuration, others: others, start: preflight.state)
        }
        (audit, service) = withMetricsFactory(factory) {
            (
                AuditService(configuration, owner: relays.worker.id),
                RelayService(
                    preflight: preflight, worker: relays.worker, publishers: relays.publishers,
                    sessions: relays.sessions, remedy: relays.remedy, retention: RetentionService(configuration),
                    jobs: JobService(configuration, source: relays.source, owner: relays.worker.id),
                    brokers: IdleBrokerWatch(
                        publishers: relays.publishers, client: configuration.kafka.client("godwit-watch")),
                    source: configuration.sourceName, peers: peers)
            )
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
