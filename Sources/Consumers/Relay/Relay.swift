import EventSourcing
public import Logging
import Postgres

/// Carries the events of one consumer from the store to an ``IntegrationConsumer``, for as long as it is told to.
///
/// One process at a time works for a consumer: a session lock on its control connection decides, and whoever does not
/// have it stands by. A database that is away is waited for; what was handed over meanwhile goes on, and nothing of it
/// is published again. The relay ends when it is stopped, when its task is cancelled, when the consumer halts, or when
/// the set-up is refused.
public final class Relay: Sendable {
    let consumer: any IntegrationConsumer
    let source: EventSource
    let options: RelayOptions
    let logger: Logger
    let progress = RelayProgress()
    /// Woken when there may be new events; closed to stop.
    let wakeups = WakeSignal()

    /// A relay for the consumer.
    ///
    /// - Parameter source: shared by the process's relays.
    public init(
        _ consumer: any IntegrationConsumer, source: EventSource, options: RelayOptions,
        logger: Logger = Logger(label: "godwit.relay")
    ) {
        self.consumer = consumer
        self.source = source
        self.options = options
        var logger = logger
        logger[metadataKey: "consumer"] = "\(consumer.name)"
        self.logger = logger
        source.wakeups.add(wakeups)
    }

    /// Tells the relay to stop: it reads nothing more, waits for what is under way, moves its checkpoints, and lets go
    /// of its segments.
    public func stop() {
        wakeups.close()
    }

    /// Works until stopped.
    ///
    /// - Throws: ``PublicationHalted``, ``RelayError``, `HorizonError`, or a `PostgresError` that waiting does not mend,
    ///   for example a refused password.
    public func run() async throws {
        // Both streams are bounded by the bytes in flight, which are taken before a batch enters the first.
        let (batches, batchSender) = AsyncStream.makeStream(of: FeedBatch.self)
        let (publications, publicationSender) = AsyncStream.makeStream(of: Published.self)
        let budget = ByteBudget(limit: options.bytesInFlight)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // These two live on when a connection to PostgreSQL is lost.
            group.addTask { await self.publish(batches, to: publicationSender, budget) }
            group.addTask { await self.acknowledge(publications, budget) }
            defer {
                batchSender.finish()
                group.cancelAll()
            }
            try await self.serve { batch in
                try await budget.take(batch.memorySize)
                // No suspension from here on: a batch counts as handed over exactly if it is.
                self.progress.handedOver(through: batch.through)
                batchSender.yield(batch)
            }
        }
        if let failure = progress.current.failure { throw failure }
        try Task.checkCancellation()
    }

    private struct Published {
        let publication: Publication
        let through: Int64
        let bytes: Int
    }

    /// Hands the batches to the consumer, one after the other.
    private func publish(
        _ batches: AsyncStream<FeedBatch>, to sender: AsyncStream<Published>.Continuation, _ budget: ByteBudget
    ) async {
        for await batch in batches {
            guard progress.current.failure == nil else {
                budget.giveBack(batch.memorySize)
                continue
            }
            do {
                let publication = batch.selection.isEmpty ? .acknowledged : try await consumer.publish(batch)
                sender.yield(
                    Published(publication: publication, through: batch.through, bytes: batch.memorySize))
            } catch {
                fail(error)
                budget.giveBack(batch.memorySize)
            }
        }
        sender.finish()
    }

    /// Waits for the acknowledgements in order, so that what is acknowledged has no hole.
    private func acknowledge(_ publications: AsyncStream<Published>, _ budget: ByteBudget) async {
        for await published in publications {
            do {
                try await published.publication.waitForAcknowledgement()
                progress.acknowledged(through: published.through)
            } catch {
                fail(error)
            }
            budget.giveBack(published.bytes)
        }
    }

    private func fail(_ error: any Error) {
        // A relay that lets go at once cancels what it waits for; that is no failure of the consumer.
        if Task.isCancelled { return }
        progress.failed(error)
        stop()
    }
}
