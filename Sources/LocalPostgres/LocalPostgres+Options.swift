extension LocalPostgres {
    /// How a cluster is made; the defaults suit tests.
    package struct Options: Sendable {
        /// Whether commits reach the disk: off for tests, on to measure.
        package var fsync = false
        /// `max_connections`.
        package var maxConnections = 200
        /// `max_prepared_transactions`; PostgreSQL's own default of 0 refuses two-phase commit.
        package var maxPreparedTransactions = 64
        /// Loads `pg_stat_statements`; the extension itself is created by the caller that wants it.
        package var statementStatistics = false
        /// Who may connect over TCP.
        package var authentication = Authentication.trust
        /// Further settings of `postgresql.conf`; they win over the ones above.
        package var settings: [String: String] = [:]
        /// Where the cluster's folder is made; it must be writable for the server's user.
        package var temporaryFolder = "/tmp"

        package init() {}

        /// The lines of `postgresql.conf`, in an order that lets later ones win.
        var configuration: [String] {
            var lines = [
                "listen_addresses = '127.0.0.1'",
                "max_connections = \(maxConnections)",
                "max_prepared_transactions = \(maxPreparedTransactions)",
                "logging_collector = off",
            ]
            if !fsync {
                // Commits still reach the kernel, so that a killed server loses none.
                lines += ["fsync = off", "full_page_writes = off"]
            }
            if statementStatistics {
                lines.append("shared_preload_libraries = 'pg_stat_statements'")
            }
            for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
                lines.append(
                    "\(name) = '\(value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
                )
            }
            return lines
        }
    }

    /// Who may connect over TCP. The Unix socket is open to every user that may enter the cluster's folder: its own user and root.
    package enum Authentication: Sendable {
        /// Everyone on this machine.
        case trust
        /// Clients that know a password (SCRAM-SHA-256); the superuser's is given here and holds no line break.
        case scram(password: String)

        var method: String {
            switch self {
            case .trust: "trust"
            case .scram: "scram-sha-256"
            }
        }

        var password: String? {
            switch self {
            case .trust: nil
            case .scram(let password): password
            }
        }
    }

    /// How the server is told to go.
    package enum ShutdownMode: Sendable {
        /// Rolls back what is open and disconnects everyone.
        case fast
        /// As after a crash: the next start recovers from the write-ahead log.
        case immediate

        /// The name of the signal that means this mode to the postmaster.
        var signal: String {
            switch self {
            case .fast: "INT"
            case .immediate: "QUIT"
            }
        }
    }
}
