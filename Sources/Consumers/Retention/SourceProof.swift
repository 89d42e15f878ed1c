package import EventSourcing
package import Postgres

/// That the log is still the one that checkpoints count in, for work that removes events by them.
///
/// A table that was truncated or swapped, or a sequence that was reset, gives the positions that consumers have passed to events
/// that nobody has delivered. What relays refuse to read must not be removed either.
package struct SourceProof: Sendable {
    private let identity: StoreIdentity
    private let table: TableName
    /// The highest checkpoint.
    private let passed: Int64

    /// - Parameter consumers: whose checkpoints decide.
    /// - Throws: `SourceError` where the log is refused, or differs from what is recorded with a checkpoint: a relay that reads it
    ///   records it anew, where nothing is lost by that.
    package init(_ tables: TableNames, _ consumers: [String], on connection: Connection) async throws {
        let query = try await HorizonQuery(tables.source, checksRights: false, on: connection)
        let recorded = try await IdentitiesTable(tables).read(consumers, on: connection)
        let snapshot = try await query.refresh(HorizonQuery.Request(includesWriters: false), on: connection)
        identity = try query.identity(seen: snapshot.state)
        table = tables.source.table
        passed = recorded.compactMap(\.checkpoint).max() ?? 0
        // A consumer of the Go library records none.
        let before = recorded.filter { record in
            record.checkpoint != nil && record.refusal == nil && record.identity.map { $0 != identity } ?? false
        }
        if !before.isEmpty {
            throw SourceError.recordedBefore(table.text, consumers: before.map(\.consumer).sorted())
        }
        for record in recorded {
            guard let checkpoint = record.checkpoint else { continue }
            if let refusal = record.refusal { throw SourceError.notAccepted(refusal) }
            guard checkpoint <= snapshot.lastDrawn else {
                throw SourceError.sequenceReset(query.sequence, lastDrawn: snapshot.lastDrawn, checkpoint: checkpoint)
            }
        }
    }

    /// Whether it still holds, in a transaction that has locked the table against whatever would change that.
    package func holds(in session: some PostgresSession) async throws(PostgresError) -> Bool {
        try await session.query(BoundStatement(Statement("LOCK TABLE \(table.sql) IN ROW EXCLUSIVE MODE"), []))
        let sql = """
            SELECT to_regclass($1)::oid::bigint, pg_catalog.pg_relation_filenode($2::oid)::bigint,
                coalesce(pg_catalog.pg_sequence_last_value($2::oid), 0)
            """
        let statement = BoundStatement(
            Statement(name: "source_proof", sql: sql), [table.sql, Int64(identity.sequence)])
        guard let row = try await session.query(statement).first else { return false }
        let (oid, file): (Int64?, Int64?) = (try row.decodeIfPresent(0), try row.decodeIfPresent(1))
        let lastDrawn: Int64 = try row.decode(2)
        return oid == Int64(identity.table) && file == Int64(identity.sequenceFile) && lastDrawn >= passed
    }
}
