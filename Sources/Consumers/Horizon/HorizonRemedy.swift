import CoreMetrics
package import EventSourcing
package import Logging
import Postgres
import Telemetry

/// Ends sessions that hold the horizon back and do nothing: transactions that a program has forgotten. Opt-in.
///
/// Nothing is ever skipped: what such a session has written is rolled back by the server, and the horizon moves on over
/// positions that will never exist. Active transactions may be at work, and prepared ones are promised to a coordinator, so
/// that both are only named.
package struct HorizonRemedy: Sendable {
    private let source: EventSource
    private let tables: TableNames
    private let actor: String
    private let idleTime: Duration?
    private let logger: Logger
    private let ended = Metric.endedWriters.counter()

    /// - Parameters:
    ///   - actor: who ends them, for the audit.
    ///   - idleTime: for so long a session must have done nothing; `nil` to end none.
    package init(_ source: EventSource, tables: TableNames, actor: String, idleTime: Duration?, logger: Logger) {
        self.source = source
        self.tables = tables
        self.actor = actor
        self.idleTime = idleTime
        self.logger = logger
    }

    /// Looks now and then, without the database while the horizon waits for nobody, until cancelled.
    package func run() async {
        guard let idleTime else { return }
        let interval = min(max(idleTime / 10, .milliseconds(200)), .seconds(10))
        var reported: String?
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            do {
                try await endIdle(for: idleTime)
                reported = nil
            } catch {
                // A database that is away is reported by others; what the role may not do is reported once.
                guard let error = error.postgresError, error.code == .statement, reported != error.message else {
                    continue
                }
                reported = error.message
                logger.error(
                    """
                    a session that holds events back and does nothing cannot be ended: \(error.message); grant \
                    pg_signal_backend and pg_read_all_stats to the relay's role, or end it by hand
                    """)
            }
        }
    }

    private func endIdle(for idleTime: Duration) async throws {
        guard let held = await source.reader.heldBackBy() else { return }
        let (tables, actor, logger, ended) = (tables, actor, logger, ended)
        try await source.side.withConnection { connection in
            let holders = HorizonHolders(sequence: held.sequence)
            for (hold, isEnded) in try await holders.endIdle(held.writers, idleFor: idleTime, on: connection) {
                guard isEnded else { continue }
                ended.increment()
                logger.warning("ended a session that held events back and did nothing: \(hold)")
                let entry = AuditEntry(
                    actor: actor, action: "end idle writer", subject: "process \(hold.processID ?? 0)",
                    details: "\(hold.application ?? ""), open for \(hold.age?.components.seconds ?? 0) s")
                _ = try await connection.query(AuditLog(tables).record(entry))
            }
        }
    }
}
