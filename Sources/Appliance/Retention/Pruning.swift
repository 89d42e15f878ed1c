import Consumers
import EventSourcing
import KafkaBridge
import Logging
import Postgres

/// The work behind `godwit prune`.
package struct Pruning: Sendable {
    private let configuration: Configuration
    private let logger = Logger(label: "godwit.retention")

    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    package struct Request: Sendable {
        /// Whether nothing is to be changed.
        package var isDryRun = false
        /// Rows a second, in place of the configured.
        package var rate: Int?
        /// Whether the events are left alone.
        package var isOwnTablesOnly = false

        package init() {}
    }

    /// Removes what may go, or says what would. A signal ends it behind the transaction that is under way.
    ///
    /// - Parameter observe: told after each transaction how many rows went.
    /// - Throws: `Failure`, also for an event store.
    package func run(
        _ request: Request, observe: @escaping @Sendable (Int64) -> Void = { _ in }
    ) async throws -> PruneReport {
        let tables = configuration.database.tables
        var options: Pruner.Options?
        if !request.isOwnTablesOnly { options = try pruning(tables) }
        if let rate = request.rate { options?.rate = rate }
        var report = PruneReport(
            table: tables.events.text, deliveredFor: options?.deliveredFor, isDryRun: request.isDryRun)
        if let options {
            let pruner = Pruner(tables, options: options, logger: logger)
            report.events = try await request.isDryRun ? examine(pruner) : remove(pruner, observe)
        }
        if !request.isDryRun {
            let housekeeping = Housekeeping(tables, ages: configuration.source.retention.ages)
            report.own = try await configuration.database.withConnection { try await housekeeping.run(on: $0) }
        }
        return report
    }

    private func examine(_ pruner: Pruner) async throws -> Pruner.Report {
        try await configuration.database.withConnection { try await pruner.examine(on: $0) }
    }

    private func remove(
        _ pruner: Pruner, _ observe: @escaping @Sendable (Int64) -> Void
    ) async throws -> Pruner.Report {
        let stopping = WakeSignal()
        let (database, events) = (configuration.database, configuration.database.tables.events.text)
        return try await SignalledWork(logger: logger).run(stop: { stopping.close() }) {
            let outcome = try await database.withConnection { connection in
                // Those of this configuration that were never started need what is there.
                _ = try await configuration.registerConsumers(on: connection)
                return try await pruner.run(on: connection, isStopping: { stopping.isClosed }, observe: observe)
            }
            guard case .looked(let report) = outcome else {
                throw Failure(
                    .ownedElsewhere, "another process removes rows of \(events) now; nothing was done here")
            }
            return report
        }
    }

    private func pruning(_ tables: TableNames) throws(Failure) -> Pruner.Options {
        guard configuration.source.kind == .outbox else {
            throw Failure(
                .configuration,
                "\(tables.events.text) is an event store, from which services load their state: nothing of it is ever removed. If "
                    + "its rows are there to be delivered only, set source.kind: outbox; --own-tables removes old rows of Godwit's "
                    + "own tables")
        }
        guard let options = configuration.source.retention.pruning else {
            throw Failure(
                .configuration,
                "how long rows stay once they are delivered is not configured: set source.retention.delivered_for, for example 7d"
            )
        }
        return options
    }
}
