import LocalPostgres

/// The PostgreSQL server that temporary stores are on.
public enum TestServer: Sendable, Hashable {
    /// A throw-away cluster, started when the first store asks for it and gone with the process; all stores share it. It needs
    /// the programs of a PostgreSQL server on this machine.
    case throwAway
    /// The server at a URL, whose role may create schemas. Each store has a schema of its own there and drops it.
    case url(String)

    func url() async throws -> String {
        switch self {
        case .throwAway: try await ThrowAwayCluster.shared.url()
        case .url(let url): url
        }
    }
}

/// The process's throw-away cluster.
private actor ThrowAwayCluster {
    static let shared = ThrowAwayCluster()

    private var starting: Task<LocalPostgres, any Error>?

    func url() async throws -> String {
        if let starting { return try await starting.value.url }
        // A bare task, because all stores that ask at once wait for one start, which must not end with any one of them.
        let task = Task { try await LocalPostgres.start() }
        starting = task
        do {
            return try await task.value.url
        } catch {
            starting = nil
            throw error
        }
    }
}
