/// Where PostgreSQL is, who asks, and how long to wait.
public struct ConnectionConfiguration: Sendable {
    /// libpq's keywords and values, as the connection string gave them; may hold a password.
    private(set) var keywords: [String: String]

    /// Where the password of each new connection is read from; it replaces that of the connection string.
    public var passwordSource: PasswordSource?
    /// A file with the connection string, read again for each new connection; it replaces the one given at first.
    public var connectionStringFile: String?
    /// Refuses poolers that keep no session for their client, before anything is set in one.
    package var sessionCheck: SessionCheck?
    /// Notes which connections are waited for.
    package var sessionWaits: SessionWaits?
    /// What connections that are opened with this configuration are for.
    package var purpose = SessionPurpose.other
    /// Whether a new session gets the settings below.
    var appliesSessionSettings = true

    /// What `pg_stat_activity` shows for the connection, unless the connection string says otherwise.
    public var applicationName: String
    /// How long an attempt to connect may take, name look-up excepted; 10 s by default.
    public var connectTimeout: Duration
    /// How long the server may work on a statement before it cancels it; 60 s by default, `zero` for no bound.
    public var statementTimeout: Duration
    /// How long a statement may wait for a lock; 10 s by default, `zero` for no bound.
    public var lockTimeout: Duration
    /// How long a transaction may stay open while nothing is asked of it; 60 s by default, `zero` for no bound.
    public var idleInTransactionTimeout: Duration

    /// How long the server may send nothing while it is asked something, before the connection is given up; `zero` for no
    /// bound. `nil`, the default, is 5 s more than ``statementTimeout``.
    public var answerTimeout: Duration?
    /// Where the connections are known that may be given up together.
    package var connections: OpenConnections?
    /// Shared by all copies of the configuration.
    let refusedSecrets = RefusedSecrets()

    /// Reads a connection string.
    ///
    /// - Parameter connectionString: a URL, `postgres://user:secret@host:5432/database?sslmode=verify-full`, or
    ///   libpq's keywords, `host=/run/postgresql dbname=app`. What it leaves out comes from libpq's environment
    ///   variables and defaults.
    /// - Throws: `invalidConfiguration` if it cannot be read.
    public init(_ connectionString: String, applicationName: String = "godwit") throws(PostgresError) {
        guard connectionString.contains("=") || connectionString.contains("://") else {
            throw PostgresError(
                .invalidConfiguration,
                "the connection string is neither a URL (postgres://user@host/database) nor keywords (host=… dbname=…)")
        }
        self.keywords = try ConnectionString.parse(connectionString)
        self.applicationName = applicationName
        self.connectTimeout = .seconds(10)
        self.statementTimeout = .seconds(60)
        self.lockTimeout = .seconds(10)
        self.idleInTransactionTimeout = .seconds(60)
    }

    var silenceLimit: Duration? {
        let limit = answerTimeout ?? (statementTimeout > .zero ? statementTimeout + .seconds(5) : .zero)
        return limit > .zero ? limit : nil
    }

    /// The same place for the same user, with the password replaced.
    public func with(password: String) -> ConnectionConfiguration {
        var copy = self
        copy.keywords["password"] = password
        return copy
    }

    /// The same place, for connections that are for this.
    package func session(for purpose: SessionPurpose) -> ConnectionConfiguration {
        var copy = self
        copy.purpose = purpose
        return copy
    }

    /// With the secrets of this moment, read from where they are kept.
    ///
    /// - Throws: `secretUnavailable`; `cancelled`.
    func resolved() async throws(PostgresError) -> ConnectionConfiguration {
        var copy = self
        if let connectionStringFile {
            let text = try SecretFile(path: connectionStringFile, what: "connection string's").read()
            do throws(PostgresError) {
                copy.keywords = try ConnectionString.parse(text)
            } catch {
                throw PostgresError(
                    .secretUnavailable, "the file \(connectionStringFile) holds no connection string: \(error.message)")
            }
            if passwordSource == nil, let password = keywords["password"], copy.keywords["password"] == nil {
                copy.keywords["password"] = password
            }
        }
        if let passwordSource { copy.keywords["password"] = try await passwordSource.read() }
        return copy
    }

    /// Whether secrets are kept outside of the configuration.
    var hasOutsideSecrets: Bool { passwordSource != nil || connectionStringFile != nil }

    /// Host, port, database and user, without anything secret; fit for logs.
    public var redactedDescription: String {
        let host = keywords["host"] ?? keywords["hostaddr"] ?? "default host"
        let port = keywords["port"].map { ":\($0)" } ?? ""
        let database = keywords["dbname"] ?? keywords["user"] ?? "default database"
        let user = keywords["user"].map { "\($0)@" } ?? ""
        return "\(user)\(host)\(port)/\(database)"
    }

    /// The keywords as the connection is opened with, Godwit's defaults below what the connection string says.
    var effectiveKeywords: [(keyword: String, value: String)] {
        // A connection that listens sends nothing: only these show, within 8 s, that the other end is out of reach.
        var effective: [String: String] = [
            "fallback_application_name": applicationName,
            "keepalives": "1",
            "keepalives_idle": "4",
            "keepalives_interval": "2",
            "keepalives_count": "2",
            "tcp_user_timeout": "8000",
        ]
        effective.merge(keywords) { _, given in given }
        // Everything is read and written as UTF-8; another encoding would corrupt text silently.
        effective["client_encoding"] = "UTF8"
        return effective.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The session's settings, one statement: poolers refuse them as start-up parameters.
    var sessionSettings: [(name: String, value: String)] {
        guard appliesSessionSettings else { return [] }
        return [
            ("statement_timeout", milliseconds(statementTimeout)),
            ("lock_timeout", milliseconds(lockTimeout)),
            ("idle_in_transaction_session_timeout", milliseconds(idleInTransactionTimeout)),
            // The settled horizon needs a new snapshot for every statement, whatever the role's default is.
            ("default_transaction_isolation", "read committed"),
        ]
    }

    private func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return String(max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }
}
