import Consumers
import Kafka
import KafkaBridge
import Logging
import ServiceLifecycle

/// The relays of one process, as the configuration asks for them.
package final class RelayProcess: Sendable {
    private let source: EventSource
    private let group: ServiceGroup
    private let preflight: Preflight
    private let logger = Logger(label: "godwit")

    /// Makes the relays; they connect when they are run.
    package init(_ configuration: Configuration) throws {
        guard let connection = configuration.database.connection else {
            throw Failure(.configuration, "no database is configured")
        }
        let source = EventSource(connection, tables: configuration.database.tables)
        let publishers = try configuration.consumers.map { consumer in
            KafkaPublisher(
                try consumer.publisherOptions(configuration.kafka), logger: Logger(label: "godwit.kafka"))
        }
        let worker = try Worker(source, integrations: publishers, options: Self.options(configuration))
        self.source = source
        preflight = Preflight(configuration, source: source)
        Allocator.suitRecords()
        group = Self.group([RelayService(worker: worker, publishers: publishers)])
    }

    private static func options(_ configuration: Configuration) -> WorkerOptions {
        var options = WorkerOptions()
        let worker = configuration.worker
        options.bytesInFlight = worker.bytesInFlight
        options.maxPostBatchPause = worker.maxPostBatchPause
        options.wakeupJitter = worker.wakeupJitter
        options.heartbeatInterval = worker.heartbeatInterval
        options.staleThreshold = worker.staleThreshold
        options.rebalanceInterval = worker.rebalanceInterval
        options.drainTimeout = worker.shutdownTimeout
        options.dispatcherPollInterval = worker.pollInterval
        if configuration.notify.mode != .never {
            var notify = NotifyDispatcher.Options(channel: configuration.notify.channel)
            notify.isAdaptive = configuration.notify.mode == .adaptive
            notify.fallbackInterval = configuration.notify.fallbackInterval
            notify.pollInterval = configuration.worker.pollInterval
            options.wakeupSource = .notify(notify)
        }
        for consumer in configuration.consumers {
            options.overrides[consumer.name] = WorkerOptions.Override(
                totalSegments: consumer.totalSegments, batchSize: consumer.batchSize,
                startPosition: consumer.start)
        }
        return options
    }

    /// Relays until `stop()`, or until a relay cannot go on; then the others are stopped too.
    package func run() async throws {
        try await closingSource { try await group.run() }
    }

    /// Relays until a signal says otherwise.
    package func runUntilSignalled() async throws {
        let isDrained = try await closingSource { try await SignalledShutdown(group: group, logger: logger).run() }
        if !isDrained { throw Failure(.stoppedAtOnce, ExitStatus.stoppedAtOnce.meaning) }
    }

    /// Has all relays finish what is in flight and end.
    package func stop() async {
        await group.triggerGracefulShutdown()
    }

    private func closingSource<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            try await preflight.run()
            let value = try await body()
            await source.close()
            return value
        } catch {
            await source.close()
            throw error
        }
    }

    /// A relay that cannot go on ends the process, but not before the others have drained.
    private static func group(_ services: [any Service]) -> ServiceGroup {
        var quiet = Logger(label: "godwit.lifecycle")
        // What it says of every service, the services say better.
        quiet.logLevel = max(quiet.logLevel, .critical)
        return ServiceGroup(
            configuration: .init(
                services: services.map { service in
                    .init(
                        service: service, successTerminationBehavior: .ignore,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                }, logger: quiet))
    }
}
