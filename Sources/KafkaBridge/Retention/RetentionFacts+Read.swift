import Consumers
package import EventSourcing
package import Postgres

extension RetentionFacts {
    /// Positions of parked events that are looked at.
    static let parkedLimit = 50_000

    /// Reads what needs rows. In a transaction that holds ``RetentionLock`` alone, nothing new can come to need them.
    ///
    /// Checkpoints first: what a consumer parks is recorded before its checkpoint passes it, so that a later read has it.
    package static func read(
        _ tables: TableNames, on session: some PostgresSession
    ) async throws(PostgresError) -> RetentionFacts {
        var facts = RetentionFacts()
        for row in try await session.query(RetentionConsumers(tables).all) {
            facts.consumers.append(
                Consumer(
                    try row.decode(0), checkpoints: try row.decode(1),
                    totalSegments: try row.decode(2), beginsAfter: try row.decodeIfPresent(3)))
        }
        for row in try await session.query(DeadLettersTable(tables).openPositions(limit: parkedLimit)) {
            facts.parked.append(try row.decode(0))
        }
        if facts.parked.count == parkedLimit { facts.parkedKnownThrough = facts.parked.last }
        for row in try await session.query(JobsTable(tables).open) {
            facts.jobs.append(
                Job(
                    try row.decode(0), state: try row.decode(1), checkpoint: try row.decode(2),
                    through: try row.decode(3)))
        }
        for row in try await session.query(AuditsTable(tables).needs) {
            facts.audits.append(Audit(try row.decode(0), position: try row.decode(1), open: try row.decode(2)))
        }
        return facts
    }
}
