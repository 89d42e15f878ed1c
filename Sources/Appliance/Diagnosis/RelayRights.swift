import EventSourcing
import Postgres

/// What a role lacks for relaying, which a process would say if one ran.
struct RelayRights: Sendable {
    let database: DatabaseSection
    /// Whether relays remove what is delivered.
    let prunes: Bool

    /// The problem in words; `nil` where nothing is missing. Tables that are not there are another matter.
    func problem(on connection: Connection) async throws(PostgresError) -> HealthIssue? {
        let list = TableRights.all(database.tables, prunes: prunes)
        let queries = CatalogQueries(database.tables)
        var (existing, granted) = (Set<Int>(), Set<String>())
        for row in try await connection.query(queries.rights(list)) {
            let item = Int(try row.decode(0, as: Int32.self))
            existing.insert(item)
            if try row.decode(2) { granted.insert("\(item) \(try row.decode(1, as: String.self))") }
        }
        var missing: [String] = []
        for item in existing.sorted() {
            let lacking = list[item].relay.map(\.name).filter { !granted.contains("\(item) \($0)") }
            if !lacking.isEmpty { missing.append("\(lacking.joined(separator: ", ")) on \(list[item].table.text)") }
        }
        if let row = try await connection.query(queries.sequence).first, try !row.decode(4, as: Bool.self) {
            missing.append("SELECT on \(try row.decode(0, as: String.self))")
        }
        guard !missing.isEmpty, let row = try await connection.query(queries.session).first else { return nil }
        let role: String = try row.decode(2)
        return HealthIssue(
            .refused,
            "a process of this configuration would be refused: the role \(role) lacks \(missing.joined(separator: "; ")); as the tables' "
                + "owner: `godwit migrate --grants \(role)`")
    }
}
