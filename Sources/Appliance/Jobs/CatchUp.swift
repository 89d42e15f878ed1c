import Consumers
import KafkaBridge
import Logging
import Postgres
import Synchronization

/// The work behind `godwit catch-up`: a consumer's own flow, run up to what is committed at the start.
package struct CatchUp: Sendable {
    package struct Report: Sendable {
        let consumer: String
        /// Events that lie behind its checkpoints now and were not before.
        let passed: Int
        let tally: KafkaPublisher.Tally
        let elapsed: Duration

        /// To the topics of the consumer.
        var published: Int { max(0, passed - tally.parked - tally.deadLettered) + tally.redriven }

        package var json: JSONValue {
            [
                "consumer": .string(consumer), "published": .number(published), "parked": .number(tally.parked),
                "dead_lettered": .number(tally.deadLettered), "redriven": .number(tally.redriven),
                "seconds": .number(elapsed / .seconds(1), digits: 3),
            ]
        }

        package var text: String {
            let others = [
                (tally.redriven, "of them redriven"), (tally.parked, "parked"), (tally.deadLettered, "dead-lettered"),
            ]
            let text = others.filter { $0.0 > 0 }.map { ", \($0.0) \($0.1)" }.joined()
            return "consumer \(consumer) has caught up: \(published) events published\(text) "
                + "in \(ProgressText.time(elapsed))"
        }
    }

    private let place: JobContext
    private let consumer: ConsumerSection
    private let options: WorkerOptions

    package init(_ configuration: Configuration, consumer: String) throws(Failure) {
        place = try JobContext(configuration)
        self.consumer = try place.consumer(consumer)
        var options = Relays.options(configuration)
        options.runMode = .oneOff
        options.logger = place.logger
        self.options = options
    }

    /// - Parameters:
    ///   - wait: how long to wait for others that serve the consumer to end.
    ///   - observe: told now and then how many events were published.
    /// - Throws: `ownedElsewhere` where others serve it, `jobUnfinished` where it was told to stop.
    package func run(wait: Duration, observe: @escaping @Sendable (Int) -> Void) async throws -> Report {
        let source = EventSource(place.database, tables: place.tables, logger: place.logger)
        // The consumer's own flow: what is parked stays so, and what cannot be delivered follows its policy.
        let publishing = try consumer.publisherOptions(
            place.configuration.kafka, deadLetters: DeadLetterStore(source.side, tables: place.tables),
            transactions: TransactionStore(source.side, tables: place.tables))
        let publisher = KafkaPublisher(publishing, logger: place.logger)
        do {
            try await source.check()
            try await BrokerCheck(publishing).run()
            let report = try await run(publisher, source, wait, observe)
            await publisher.close()
            await source.close()
            return report
        } catch {
            await publisher.close()
            await source.close()
            throw error
        }
    }

    private func run(
        _ publisher: KafkaPublisher, _ source: EventSource, _ wait: Duration,
        _ observe: @escaping @Sendable (Int) -> Void
    ) async throws -> Report {
        let processor = try BasicProcessor(publishing: publisher, source: source, options: options)
        let stopping = WakeSignal()
        let began = ContinuousClock.now
        try await SignalledWork(logger: place.logger).run {
            stopping.close()
            processor.stop()
        } _: {
            try await waitForOthers(wait, stopping)
            if stopping.isClosed { return }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await processor.run() }
                group.addTask {
                    while true {
                        try await Task.sleep(for: .milliseconds(250))
                        observe(processor.doneCount)
                    }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
        if stopping.isClosed {
            throw Failure(
                .jobUnfinished,
                "told to stop after \(processor.doneCount) events; `godwit catch-up \(consumer.name)` goes on from there"
            )
        }
        return Report(
            consumer: consumer.name, passed: processor.doneCount, tally: publisher.tally, elapsed: .now - began)
    }

    /// Looks before it joins: a worker that joins makes the others give up a part of their segments.
    private func waitForOthers(_ wait: Duration, _ stopping: WakeSignal) async throws {
        let deadline = ContinuousClock.now + wait
        var isSaid = false
        while !stopping.isClosed {
            let workers = try await place.configuration.database.withConnection { connection in
                try await LiveWorkers(place.tables, options: options).of(consumer.name, on: connection)
            }
            if workers.isEmpty { return }
            guard ContinuousClock.now < deadline else {
                throw WorkerError.ownedElsewhere(consumer: consumer.name, owners: workers)
            }
            if !isSaid {
                place.logger.notice("waiting for others to end", metadata: ["workers": "\(workers)"])
            }
            isSaid = true
            _ = await stopping.wait(atMost: .milliseconds(500))
        }
    }
}
