import Consumers
import EventSourcing
import KafkaBridge
import Postgres

/// An operator's wish that an audit begins anew: what it has found is understood, or other events are to be audited.
package struct AuditReset: Sendable {
    package let consumer: String
    /// The first position to audit; `nil` for what follows the checkpoints.
    package let fromPosition: Int64?
    /// Who asks, for the audit log.
    package let actor: String

    package init(consumer: String, fromPosition: Int64?, actor: String) {
        self.consumer = consumer
        self.fromPosition = fromPosition
        self.actor = actor
    }

    /// Carries it out on a connection of its own, with its entry in the audit log.
    ///
    /// - Returns: the position behind which the audit begins.
    /// - Throws: `Failure`, also for a consumer that was never started.
    package func carryOut(_ configuration: Configuration) async throws -> Int64 {
        let tables = configuration.database.tables
        return try await configuration.database.withConnection { connection in
            var lowest: Int64?
            for row in try await connection.query(SegmentsTable(tables).checkpoints(consumer)) {
                lowest = min(lowest ?? .max, try row.decode(1))
            }
            guard let lowest else { throw Failure(.usage, "the consumer \(consumer) was never started") }
            let position = fromPosition.map { $0 - 1 } ?? lowest
            guard (0...lowest).contains(position) else {
                throw Failure(
                    .usage,
                    "--from-position \(position + 1): everything up to \(lowest) is delivered; give a position from 1 to "
                        + "\(lowest + 1)")
            }
            let entry = AuditEntry(
                actor: actor, action: "audit-reset", subject: "consumer \(consumer)",
                details: "behind position \(position)")
            try await connection.withTransaction { transaction in
                // From here on the rows that it needs stay.
                try await transaction.query(RetentionLock(tables).share)
                if let pruned = try await PruningsTable(tables).read(on: transaction), position < pruned.through {
                    throw Failure(
                        .usage,
                        "--from-position \(position + 1): \(pruned.sentence); give a position from \(pruned.through + 1) on"
                    )
                }
                try await transaction.query(AuditsTable(tables).reset(consumer, after: position))
                try await transaction.query(AuditLog(tables).record(entry))
            }
            return position
        }
    }
}
