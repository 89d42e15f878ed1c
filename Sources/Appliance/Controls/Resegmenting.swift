import Consumers
package import KafkaBridge
import Logging
import Postgres

/// The work behind `godwit resegment`.
package struct Resegmenting: Sendable {
    private let configuration: Configuration

    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// Exchanges the segments, or says how they stand.
    ///
    /// - Parameters:
    ///   - patience: how long segments may take to be given back.
    ///   - observe: told now and then for whom it waits, in words.
    /// - Throws: `Failure`.
    package func run(
        _ consumer: String, to total: Int, isDryRun: Bool, patience: Duration = .seconds(30), actor: String,
        observe: @Sendable (String) -> Void = { _ in }
    ) async throws -> ResegmentationReport {
        let section = configuration.consumers.first { $0.name == consumer }
        var options = Resegmentation.Options()
        options.staleThreshold = configuration.worker.staleThreshold
        options.patience = patience
        let channel = configuration.notify.mode == .never ? nil : configuration.notify.channel
        let (handover, pool) = try handover(of: section)
        let work = Resegmentation(
            configuration.database.tables, channel: channel, options: options, handover: handover)
        let report: Result<ResegmentationReport, any Error>
        do {
            report = .success(
                try await run(
                    work, consumer, section, to: total, isDryRun: isDryRun, actor: actor, observe: observe))
        } catch {
            report = .failure(error)
        }
        await handover?.close()
        await pool?.close()
        return try report.get()
    }

    /// What takes the segments over in Kafka, where the consumer is configured to deliver exactly once, and the connections that
    /// it uses.
    private func handover(of section: ConsumerSection?) throws -> (SegmentHandover?, ConnectionPool?) {
        guard let section, case .exactlyOnce = section.delivery, let connection = configuration.database.connection
        else {
            return (nil, nil)
        }
        if configuration.kafka.bootstrapServers.isEmpty {
            throw Failure(
                .configuration,
                "kafka.bootstrap_servers is required: the consumer delivers exactly once, and its progress is in Kafka")
        }
        let pool = ConnectionPool(connection, size: 1)
        let store = TransactionStore(pool, tables: configuration.database.tables)
        let options = try section.publisherOptions(
            configuration.kafka, transactions: store, instance: "resegment")
        return (SegmentHandover(options, logger: Logger(label: "godwit.kafka")), pool)
    }

    private func run(
        _ work: Resegmentation, _ consumer: String, _ section: ConsumerSection?, to total: Int, isDryRun: Bool,
        actor: String, observe: @Sendable (String) -> Void
    ) async throws -> ResegmentationReport {
        try await configuration.database.withConnection { connection in
            var report: ResegmentationReport
            if isDryRun {
                report = ResegmentationReport(plan: try await work.plan(consumer, to: total, on: connection))
            } else {
                let result = try await work.run(consumer, to: total, by: actor, on: connection) {
                    observe("waits \($0)")
                }
                report = ResegmentationReport(plan: result.plan, pause: result.pause)
            }
            report.configured = section.flatMap { $0.totalSegments == total ? nil : $0.totalSegments }
            return report
        }
    }
}

/// What was exchanged, or would be.
package struct ResegmentationReport: Sendable {
    let plan: Resegmentation.Plan
    /// How long nobody owned a segment; nil where nothing was changed.
    var pause: Duration?
    /// How many segments are configured, where that is another number.
    var configured: Int?

    /// For people.
    package var text: String {
        let range = plan.lowest == plan.highest ? "\(plan.lowest)" : "\(plan.lowest) to \(plan.highest)"
        var lines = [
            pause == nil
                ? "\(plan.consumer) has \(plan.from) segments, at position \(range), and would have \(plan.to)"
                : "\(plan.consumer) has \(plan.to) segments now, and had \(plan.from), at position \(range)"
        ]
        if let pause { lines.append("  nobody owned a segment for at most \(AgeText.format(pause))") }
        let workers = plan.liveWorkers
        lines.append(
            workers.isEmpty
                ? "  no worker serves it" : "  served by \(workers.joined(separator: ", ")), which follow by themselves"
        )
        if plan.aggregates > 0 {
            lines.append("  parked and decided events of \(plan.aggregates) aggregates go with them")
        }
        if let configured {
            lines.append(
                "  the configuration at hand says total_segments: \(configured), which holds for a first start only; set it to "
                    + "\(plan.to)")
        }
        return lines.map { LogLine.harmless($0) }.joined(separator: "\n")
    }

    package var json: JSONValue {
        [
            "consumer": .string(plan.consumer), "from": .number(plan.from), "to": .number(plan.to),
            "done": .boolean(pause != nil), "lowest_checkpoint": .number(plan.lowest),
            "highest_checkpoint": .number(plan.highest),
            "workers": .array(plan.liveWorkers.map { .string($0) }), "aggregates_moved": .number(plan.aggregates),
            "pause_seconds": pause.map { .number($0 / .seconds(1), digits: 3) } ?? .null,
        ]
    }
}
