import Consumers
import CoreMetrics
import Kafka
import Logging
import ServiceLifecycle
import Telemetry

/// The relays of one process, as the configuration asks for them: of one source, or of several side by side.
package final class RelayProcess: Sendable {
    private let units: [RelayUnit]
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
        // A source without consumers is not read.
        let sources = configuration.bySource.filter { configuration.sources.isEmpty || !$0.consumers.isEmpty }
        let peers = sources.count > 1 ? RelayPeers(sources.count) : nil
        let units = try sources.map { source in
            let own = Set(source.consumers.map(\.name))
            return try RelayUnit(
                source, registry: registry, others: Set(configuration.consumers.map(\.name)).subtracting(own),
                peers: peers)
        }
        self.units = units
        shutdownTimeout = configuration.worker.shutdownTimeout
        var summary: Logger.Metadata = [
            "consumers": "\(configuration.consumers.map(\.name).joined(separator: " "))",
            "bootstrap_servers": "\(configuration.kafka.bootstrapServers)",
        ]
        let names = sources.compactMap(\.sourceName)
        if !names.isEmpty { summary["sources"] = "\(names.joined(separator: " "))" }
        self.summary = summary
        Allocator.suitRecords()
        // Services end in the reverse of this order: the admin port last, so that a drain can be watched.
        var services: [any Service] = []
        if let address = configuration.admin.listen, let registry {
            let observers = units.compactMap { unit in
                unit.observer.map { ProcessObserver.Unit(source: unit.configuration.sourceName, observer: $0) }
            }
            let actions = AdminActions(
                configuration: configuration,
                notifyRelays: { for unit in units { unit.relays.worker.lookForControls() } },
                logger: logger)
            let endpoints = AdminEndpoints(
                observer: ProcessObserver(observers, registry: registry), actions: actions,
                door: AdminDoor(
                    AdminTokens(operator: configuration.admin.token, viewer: configuration.admin.viewerToken),
                    logger: logger),
                desk: EventDesk(configuration), logger: logger)
            services.append(AdminService(address: address, endpoints: endpoints, logger: logger))
        }
        services.append(MemoryService())
        for unit in units {
            if let audit = unit.audit { services.append(audit) }
        }
        services += units
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
        let letGo = units.flatMap(\.relays.worker.consumersLetGo)
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
            for unit in units { await unit.relays.close() }
            return value
        } catch {
            for unit in units { await unit.relays.close() }
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
