import Consumers
import KafkaBridge
import Logging

/// What a process relays with. It connects when it is run.
struct Relays: Sendable {
    let source: EventSource
    let publishers: [KafkaPublisher]
    let worker: Worker
    let sessions: SessionWatch
    let remedy: HorizonRemedy

    init(_ configuration: Configuration) throws {
        guard let connection = configuration.database.connection else {
            throw Failure(.configuration, "no database is configured")
        }
        source = EventSource(connection, tables: configuration.database.tables)
        sessions = SessionWatch(connection, need: configuration.sessionNeed, logger: Logger(label: "godwit.source"))
        let store = DeadLetterStore(source.side, tables: configuration.database.tables)
        let transactions = TransactionStore(source.side, tables: configuration.database.tables)
        publishers = try configuration.consumers.map { consumer in
            var options = try consumer.publisherOptions(
                configuration.kafka, deadLetters: store, transactions: transactions)
            // Without an admin port nobody asks for metrics.
            if configuration.admin.listen != nil { ClientStatistics.observe(&options) }
            return KafkaPublisher(options, logger: Logger(label: "godwit.kafka"))
        }
        worker = try Worker(source, integrations: publishers, options: Self.options(configuration))
        remedy = HorizonRemedy(
            source, tables: configuration.database.tables, actor: worker.id,
            idleTime: configuration.horizon.endIdleWritersAfter, logger: Logger(label: "godwit.source"))
    }

    /// Closes the connections, once nothing relays any more.
    func close() async {
        await source.close()
    }

    static func options(_ configuration: Configuration) -> WorkerOptions {
        var options = WorkerOptions()
        let worker = configuration.worker
        options.bytesInFlight = worker.bytesInFlight
        options.maxPostBatchPause = worker.maxPostBatchPause
        options.wakeupJitter = worker.wakeupJitter
        options.heartbeatInterval = worker.heartbeatInterval
        options.staleThreshold = worker.staleThreshold
        options.rebalanceInterval = worker.rebalanceInterval
        options.drainTimeout = worker.shutdownTimeout
        options.haltRetryInterval = worker.haltRetryInterval
        options.dispatcherPollInterval = worker.pollInterval
        options.dispatcherEnabled = worker.dispatcher
        options.pollInterval = worker.pollInterval
        options.maxPollInterval = worker.maximumPollInterval
        if configuration.notify.mode != .never {
            var notify = NotifyDispatcher.Options(channel: configuration.notify.channel)
            notify.isAdaptive = configuration.notify.mode != .always
            notify.needsTrigger = configuration.notify.mode == .auto
            notify.fallbackInterval = configuration.notify.fallbackInterval
            notify.pollInterval = configuration.worker.pollInterval
            notify.reconnectInterval = configuration.notify.reconnectInterval
            notify.maximumReconnectInterval = configuration.notify.maximumReconnectInterval
            options.wakeupSource = .notify(notify)
        }
        options.looksForJobs = configuration.jobs.isRunning
        for consumer in configuration.consumers {
            options.overrides[consumer.name] = WorkerOptions.Override(
                totalSegments: consumer.totalSegments, batchSize: consumer.batchSize,
                startPosition: consumer.start)
        }
        return options
    }
}
