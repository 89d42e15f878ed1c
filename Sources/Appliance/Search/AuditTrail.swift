import EventSourcing
import FoundationEssentials
import Postgres

/// A page of the audit: who changed what, and when.
struct AuditTrail: Sendable {
    struct Entry: Sendable, Hashable {
        let id: Int64
        let time: Date
        let entry: AuditEntry

        var json: JSONValue {
            [
                "id": .number(id), "at": .string(TimeText.full(time)), "actor": .string(entry.actor),
                "action": .string(entry.action), "subject": .string(entry.subject), "details": .string(entry.details),
            ]
        }
    }

    /// What an operator asks to see of it. A pure value.
    struct Search: Sendable, Hashable {
        var source: String?
        var text = ""
        var before = Int64.max
        var limit = 50

        static let names = ["source", "q", "before", "limit"]

        /// - Throws: for what is unknown or wrong, with what it must be.
        init(_ query: [String: String]) throws(Failure) {
            let terms = try SearchTerms(query, of: Self.names, for: "to list the audit by")
            source = try terms.text("source")
            text = try terms.text("q", most: 200) ?? ""
            before = try terms.number("before", 1...Int64.max) ?? .max
            limit = Int(try terms.number("limit", 1...500) ?? 50)
        }

        func query(before id: Int64?) -> String {
            let parts = [("source", source), ("q", text.isEmpty ? nil : text), ("before", id.map { "\($0)" })]
            let words = parts.compactMap { name, value in value.map { "\(name)=\(PercentCoding.encode($0))" } }
            return words.isEmpty ? "" : "?" + words.joined(separator: "&")
        }
    }

    var entries: [Entry] = []
    /// Where the next page goes on; `nil` where there is nothing more.
    var before: Int64?

    /// The oldest entry that was looked at for a text, where there are older ones that were not.
    var lookedFrom: Int64?

    /// So many entries are looked at for a text.
    static let mostLookedAt = 20_000

    static func read(
        _ search: Search, _ tables: TableNames, lookingAt mostLookedAt: Int = mostLookedAt, on connection: Connection
    ) async throws(PostgresError) -> AuditTrail {
        var trail = AuditTrail()
        let statement = AuditLog(tables).page(
            before: search.before, text: search.text, limit: search.limit + 1, lookingAt: mostLookedAt)
        for row in try await connection.query(statement) {
            let microseconds: Int64 = try row.decode(5)
            trail.entries.append(
                Entry(
                    id: try row.decode(0), time: Date(timeIntervalSince1970: Double(microseconds) / 1_000_000),
                    entry: AuditEntry(
                        actor: try row.decode(1), action: try row.decode(2), subject: try row.decode(3),
                        details: try row.decode(4))))
        }
        if trail.entries.count > search.limit {
            trail.entries.removeLast(trail.entries.count - search.limit)
            trail.before = trail.entries.last?.id
        } else if !search.text.isEmpty {
            let oldest = AuditLog(tables).oldestLookedAt(before: search.before, lookingAt: mostLookedAt)
            trail.lookedFrom = try await connection.query(oldest).first?.decode(0)
            trail.before = trail.lookedFrom
        }
        return trail
    }

    var json: JSONValue {
        [
            "entries": .array(entries.map(\.json)), "before": before.map { .number($0) } ?? .null,
            "looked_from": lookedFrom.map { .number($0) } ?? .null,
        ]
    }
}
