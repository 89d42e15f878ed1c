package import EventSourcing
package import Postgres

/// Rows that were removed before a consumer had delivered them. A pure value.
///
/// Retention removes what every consumer that it knows has passed. One that it did not know, or whose checkpoints were set back
/// by hand, has lost what lies between its checkpoint and the last position that was removed.
package struct MissedRows: Sendable, Hashable, CustomStringConvertible {
    /// The consumer had everything up to here.
    package let after: Int64
    /// Rows up to here were removed.
    package let through: Int64

    package init?(after: Int64, through: Int64) {
        guard through > after else { return nil }
        self.after = after
        self.through = through
    }

    /// - Parameters:
    ///   - checkpoint: of the slowest segment; `nil` before the first start.
    ///   - removed: the last position that was removed, 0 if none.
    ///   - told: up to here the consumer goes on without them: it was told when it began, or an operator has accepted it.
    ///   - noted: what was seen before; the checkpoint may have passed it since.
    package init?(checkpoint: Int64?, removed: Int64, told: Int64?, noted: MissedRows?) {
        let had = checkpoint.map { max($0, told ?? 0) } ?? .max
        guard had < removed else {
            guard let noted else { return nil }
            self = noted
            return
        }
        after = min(had, noted?.after ?? had)
        through = max(removed, noted?.through ?? removed)
    }

    /// The part behind one position, up to another.
    package func within(after first: Int64, through last: Int64) -> MissedRows? {
        MissedRows(after: max(after, first), through: min(through, last))
    }

    package var positions: Int64 { through - after }

    package var description: String {
        positions == 1 ? "position \(through)" : "positions \(after + 1) to \(through)"
    }

    /// The consumers that are registered with the source: what each has missed, and up to where it was told of removed rows.
    package static func read(
        _ tables: TableNames, _ pruned: PruningRecord?, on connection: Connection
    ) async throws(PostgresError) -> (missed: [String: MissedRows], told: [String: Int64]) {
        var (missed, told) = ([String: MissedRows](), [String: Int64]())
        let removed = max(pruned?.through ?? 0, try await OtherSchemas(tables).removed(on: connection))
        for row in try await connection.query(RegistrationsTable(tables).removals) {
            let name: String = try row.decode(0)
            let checkpoint: Int64? = try row.decodeIfPresent(4)
            told[name] = try row.decodeIfPresent(1, as: Int64.self)
            var noted: MissedRows?
            if let after: Int64 = try row.decodeIfPresent(2), let through: Int64 = try row.decodeIfPresent(3) {
                noted = MissedRows(after: after, through: through)
            }
            missed[name] = MissedRows(
                checkpoint: checkpoint, removed: removed, told: told[name], noted: noted)
        }
        return (missed, told)
    }
}
