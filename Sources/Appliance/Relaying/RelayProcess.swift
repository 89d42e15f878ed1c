import Consumers
import CoreMetrics
import Kafka
import Logging
import ServiceLifecycle
import Telemetry

/// The relays of one process, as the configuration asks for them.
package final class RelayProcess: Sendable {
    private let relays: Relays
    private let group: ServiceGroup
    private let summary: Logger.Metadata
    private let shutdownTimeout: Duration
    private let logger = Logger(label: "godwit")

    /// Makes the relays; they connect when they are run.
    ///
    /// - Throws: `Failure`, where the system allows fewer descriptors than they need.
    package init(_ configuration: Configuration) throws {
        try configuration.descriptorBudget().check(limit: DescriptorBudget.raiseLimit())
        // Without an admin port nobody asks for metrics.
        let registry = configuration.admin.listen.map { _ in PrometheusRegistry() }
        let (relays, jobs, retention) = try withMetricsFactory(registry ?? MetricsSystem.factory) {
            let relays = try Relays(configuration)
            let jobs = JobService(configuration, source: relays.source, owner: relays.worker.id)
            return (relays, jobs, RetentionService(configuration))
        }
        self.relays = relays
        shutdownTimeout = configuration.worker.shutdownTimeout
        let preflight = Preflight(configuration, source: relays.source)
        summary = [
            "consumers": "\(configuration.consumers.map(\.name).joined(separator: " "))",
            "bootstrap_servers": "\(configuration.kafka.bootstrapServers)",
        ]
        Allocator.suitRecords()
        // Services end in the reverse of this order: the admin port last, so that a drain can be watched.
        var services: [any Service] = []
        if let address = configuration.admin.listen, let registry {
            let observer = try RelayObserver(
                relays, registry: registry, configuration: configuration, start: preflight.state)
            let actions = AdminActions(
                configuration: configuration, notifyRelays: { relays.worker.lookForControls() }, logger: logger)
            let endpoints = AdminEndpoints(
                observer: observer, actions: actions, token: AdminToken(configuration.admin.token), logger: logger)
            services.append(AdminService(address: address, endpoints: endpoints, logger: logger))
        }
        services.append(MemoryService())
        if let audit = AuditService(configuration, owner: relays.worker.id) { services.append(audit) }
        services.append(
            RelayService(
                preflight: preflight, worker: relays.worker, publishers: relays.publishers, sessions: relays.sessions,
                remedy: relays.remedy, retention: retention,
                jobs: jobs,
                brokers: IdleBrokerWatch(
                    publishers: relays.publishers, client: configuration.kafka.client("godwit-watch"))))
        group = Self.group(services)
    }

    /// Relays until `stop()`, or until a relay cannot go on; then the others are stopped too.
    package func run() async throws {
        try await closingSource { try await group.run() }
    }

    /// Relays until a signal says otherwise.
    package func runUntilSignalled() async throws {
        logger.notice("relaying until SIGTERM or SIGINT", metadata: summary)
        let isDrained = try await closingSource {
            try await SignalledShutdown(group: group, limit: shutdownTimeout, logger: logger).run()
        }
        if !isDrained { throw Failure(.stoppedAtOnce, ExitStatus.stoppedAtOnce.meaning) }
        let letGo = relays.worker.consumersLetGo
        if !letGo.isEmpty {
            throw Failure(
                .stoppedAtOnce,
                "run: stopped at the end of its time before brokers had acknowledged everything under way of "
                    + "\(letGo.joined(separator: ", ")): the next start publishes it again from the checkpoints, also what brokers "
                    + "have taken")
        }
    }

    /// Has all relays finish what is in flight and end.
    package func stop() async {
        await group.triggerGracefulShutdown()
    }

    private func closingSource<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            let value = try await body()
            await relays.close()
            return value
        } catch {
            await relays.close()
            throw error
        }
    }

    /// A relay that ends or cannot go on ends the process, but not before the others have drained. An admin port that is
    /// lost ends nothing.
    private static func group(_ services: [any Service]) -> ServiceGroup {
        var quiet = Logger(label: "godwit.lifecycle")
        // What it says of every service, the services say better.
        quiet.logLevel = max(quiet.logLevel, .critical)
        return ServiceGroup(
            configuration: .init(
                services: services.map { service in
                    .init(
                        service: service,
                        successTerminationBehavior: service is AdminService ? .ignore : .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                }, logger: quiet))
    }
}
