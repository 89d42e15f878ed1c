import EventSourcing
import Postgres

/// How many further sessions a server has room for, by each of its limits. A pure value but for ``read(_:on:)``.
struct SessionRoom: Sendable, Equatable {
    /// A limit and how much of it is used.
    struct Limit: Sendable, Equatable {
        /// As an operator finds it: `max_connections`.
        var name: String
        var allowed: Int
        var used: Int
        /// What raises it.
        var remedy: String

        var free: Int { max(0, allowed - used) }
    }

    var limits: [Limit]

    /// The one with the least room; nil where nothing limits.
    var tightest: Limit? { limits.min { $0.free < $1.free } }

    /// Why so many further sessions do not fit; nil if they do.
    func shortage(of need: SessionNeed) -> String? {
        guard let tightest, tightest.free < need.count else { return nil }
        return "a relay has \(need.text), and \(tightest.name) leaves room for \(tightest.free) "
            + "(\(tightest.used) of \(tightest.allowed) are used)"
    }

    static func read(_ tables: TableNames, on connection: Connection) async throws(PostgresError) -> SessionRoom {
        guard let row = try await connection.query(CatalogQueries(tables).sessions).first else {
            return SessionRoom(limits: [])
        }
        let (maximum, reserved): (Int32, Int32) = (try row.decode(0), try row.decode(1))
        let (roleLimit, databaseLimit): (Int32, Int32) = (try row.decode(2), try row.decode(3))
        let (all, ofRole, inDatabase): (Int64, Int64, Int64) = (try row.decode(4), try row.decode(5), try row.decode(6))
        let (role, database): (String, String) = (try row.decode(7), try row.decode(8))
        var limits = [
            Limit(
                name: reserved > 0 ? "max_connections, of which \(reserved) are reserved," : "max_connections",
                allowed: Int(maximum - reserved), used: Int(all),
                remedy: "raise max_connections, and restart the server")
        ]
        // Below zero there is no limit.
        if roleLimit >= 0 {
            limits.append(
                Limit(
                    name: "the connection limit of the role \(role)", allowed: Int(roleLimit), used: Int(ofRole),
                    remedy: "ALTER ROLE \(quoteIdentifier(role)) CONNECTION LIMIT …"))
        }
        if databaseLimit >= 0 {
            limits.append(
                Limit(
                    name: "the connection limit of the database \(database)", allowed: Int(databaseLimit),
                    used: Int(inDatabase), remedy: "ALTER DATABASE \(quoteIdentifier(database)) CONNECTION LIMIT …"))
        }
        return SessionRoom(limits: limits)
    }
}
