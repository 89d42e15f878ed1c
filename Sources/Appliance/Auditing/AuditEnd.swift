import EventSourcing
import KafkaBridge
import Postgres

/// An operator's wish that an audit is forgotten: nothing audits the consumer any more, and rows need not wait for it.
package struct AuditEnd: Sendable {
    package let consumer: String
    /// Who asks, for the audit log.
    package let actor: String

    package init(consumer: String, actor: String) {
        self.consumer = consumer
        self.actor = actor
    }

    /// Carries it out on a connection of its own, with its entry in the audit log.
    ///
    /// - Throws: `Failure`, also where nothing was audited.
    package func carryOut(_ configuration: Configuration) async throws {
        let tables = configuration.database.tables
        try await configuration.database.withConnection { connection in
            try await connection.withTransaction { transaction in
                guard try await transaction.query(AuditsTable(tables).end(consumer)).affectedRows > 0 else {
                    throw Failure(.usage, "the consumer \(consumer) has no audit")
                }
                let entry = AuditEntry(actor: actor, action: "audit-end", subject: "consumer \(consumer)")
                try await transaction.query(AuditLog(tables).record(entry))
            }
        }
    }
}
