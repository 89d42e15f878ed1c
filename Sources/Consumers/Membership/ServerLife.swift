import Postgres

/// One life of the server as a process's reader has found it: proves to other connections that they talk to the same.
///
/// A server that crashed or was replaced gives out positions again, and what one connection knows of the horizon is
/// nothing worth on a connection to another. The reader holds an advisory lock under a random key; who finds that lock
/// listed is connected to the same database of the same running server.
struct ServerLife: Sendable, Hashable {
    /// The lock's key.
    let key: Int64

    init() {
        key = .random(in: .min ... .max)
    }

    /// Takes the lock, for the session.
    var take: BoundStatement {
        BoundStatement(Statement("SELECT pg_catalog.pg_advisory_lock($1)"), [key])
    }

    /// Whether some session of this database holds the lock.
    var isHeld: BoundStatement {
        let sql = """
            SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                AND classid::bigint = ($1::bigint >> 32) & 4294967295 AND objid::bigint = $1::bigint & 4294967295)
            """
        return BoundStatement(Statement(name: "life_is_held", sql: sql), [key])
    }

    /// - Throws: ``AnotherServerLife`` if the connection is to another server, or to another life of the same.
    func prove(on connection: Connection) async throws {
        guard try await connection.query(isHeld).first?.decode(0) == true else { throw AnotherServerLife() }
    }
}

/// Two connections of the process are to different servers, or one of them is to a life of the server that has ended.
struct AnotherServerLife: Error {}
