import Consumers
import CoreMetrics
import EventSourcing
import KafkaBridge
import Logging
import Postgres
import Telemetry

/// Removes what is delivered, beside a relay, as `source.retention` asks. One process at a time does; the others look again
/// later. What fails ends nothing, and is tried again.
struct RetentionService: Sendable {
    private let database: ConnectionConfiguration
    private let tables: TableNames
    private let pruner: Pruner
    private let housekeeping: Housekeeping
    private let configuration: Configuration
    private let interval: Duration
    private let logger = Logger(label: "godwit.retention")
    private let rows = Metric.prunedRows.counter()
    private let position = Metric.prunedPosition.gauge()
    private let held = Metric.pruneHeldPosition.gauge()
    private let failures = Metric.pruneFailures.counter()

    /// A failure or a hold that lasts is reported again after this time.
    private static let reminder: Duration = .seconds(3_600)

    /// - Returns: nil where nothing is to be removed.
    init?(_ configuration: Configuration) {
        guard let options = configuration.source.retention.pruning, let database = configuration.database.connection
        else {
            return nil
        }
        self.configuration = configuration
        self.database = database.session(for: .retention)
        tables = configuration.database.tables
        pruner = Pruner(tables, options: options, logger: logger)
        housekeeping = Housekeeping(tables, ages: configuration.source.retention.ages)
        interval = configuration.source.retention.interval
    }

    /// Until cancelled.
    func run() async {
        var reported: (text: String, at: ContinuousClock.Instant)?
        while !Task.isCancelled {
            // Some chance, so that processes that started together do not look together.
            try? await Task.sleep(for: interval * Double.random(in: 0.8...1.2))
            if Task.isCancelled { return }
            do {
                try await pass(&reported)
            } catch {
                if Task.isCancelled { return }
                failures.increment()
                report("delivered rows are not removed: \(error)", .warning, &reported)
            }
        }
    }

    private func pass(_ reported: inout (text: String, at: ContinuousClock.Instant)?) async throws {
        let connection = try await Connection.open(database, logger: logger)
        do {
            // A consumer of this configuration that has not begun needs what is there, also while brokers keep it from beginning.
            _ = try await configuration.registerConsumers(on: connection)
            let outcome = try await pruner.run(on: connection, observe: { rows.increment(by: $0) })
            if case .looked(let result) = outcome {
                _ = try await housekeeping.run(on: connection)
                note(result, &reported)
            }
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }

    private func note(_ report: Pruner.Report, _ reported: inout (text: String, at: ContinuousClock.Instant)?) {
        position.set(report.record?.through ?? 0)
        held.set(report.hold?.position ?? 0)
        if report.rows > 0 {
            logger.info(
                "removed rows that are delivered",
                metadata: ["rows": "\(report.rows)", "through": "\(report.record?.through ?? 0)"])
        }
        guard let hold = report.hold else {
            reported = nil
            return
        }
        // A consumer that is on its way is nothing to tell.
        if case .consumer = hold.holder { return }
        self.report("delivered rows stay: \(hold)", .notice, &reported)
    }

    private func report(
        _ text: String, _ level: Logger.Level, _ reported: inout (text: String, at: ContinuousClock.Instant)?
    ) {
        if let last = reported, last.text == text, .now - last.at < Self.reminder { return }
        reported = (text, .now)
        logger.log(level: level, "\(text)")
    }
}
