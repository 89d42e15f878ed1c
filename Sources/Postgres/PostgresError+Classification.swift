extension PostgresError {
    /// What a failure of the database means for the code that waits for it: one decision for the whole of Godwit.
    ///
    /// Source of the codes: PostgreSQL documentation, appendix A.
    public struct Classification: Sendable, Hashable {
        /// What has to happen before the same can succeed.
        public enum Kind: String, Sendable, CaseIterable {
            /// No server answers, or the connection is gone: connect again, for ever.
            case away
            /// It answers, and has no room, no time or no lock at the moment: try again.
            case busy
            /// It starts, recovers, or takes no writes at the moment: try again.
            case recovering
            /// A table, a column, a type or a database is another one than before, or gone: it may come back.
            case schemaChanged
            /// The user is not let in, or lacks a right: an operator may correct it while the process waits.
            case refused
            /// The question itself is wrong, or the data: the same again would fail again.
            case bug
        }

        /// The kind.
        public let kind: Kind
        /// Why the failure is of its kind.
        public let reason: String
        /// What to do, for the operator; `nil` where it goes on by itself, or nothing is known.
        public let advice: String?

        /// Whether waiting alone fixes it.
        public var passes: Bool { kind == .away || kind == .busy || kind == .recovering }
    }

    /// What the failure means.
    public var classification: Classification {
        switch code {
        case .connectionFailed where sqlState == nil:
            return .away("no server answers", "See that the server runs, and that host and port are right.")
        case .connectionLost where sqlState == nil: return .away("the connection is lost", nil)
        case .closed: return .away("the connection is closed", nil)
        case .secretUnavailable:
            return .away("the password cannot be had", "It is asked for again for each new connection.")
        case .sessionRequired:
            return .refused(
                "a pooler gives no session", "Use pool_mode=session, or connect to PostgreSQL itself.")
        case .poolTimeout:
            return .busy(
                "no connection came free in time", "Raise the pool's size, or hold its connections for a shorter time.")
        case .authentication where sqlState == nil:
            return .refused("the server or this client refuses the other", Self.login)
        case .invalidConfiguration: return .refused("the configuration is wrong", "Correct the connection string.")
        case .decoding:
            return .schemaChanged("a column has another type than before", "Look at what was changed in the table.")
        case .transactionOpen: return .bug("use the transaction that is open on this connection")
        case .cancelled, .misuse: return .bug("this is the caller's own doing")
        default: break
        }
        if let sqlState { return sqlState.classification }
        return .bug("what was asked cannot be carried out")
    }

    fileprivate static let login = "Check user, password, database name and pg_hba.conf."
}

extension SQLState {
    /// What the code means, see ``PostgresError/Classification``.
    var classification: PostgresError.Classification {
        switch rawValue {
        case "57P03":
            return .recovering("the server starts or recovers", "It goes on by itself when the server is ready.")
        case "25006":
            return .recovering(
                "the server takes no writes: a standby, or set to read-only",
                "It goes on by itself once writes are taken; managed services refuse them when the disk is full.")
        case "57014":
            return .busy("the statement was cancelled, by its timeout or on request", nil)
        case "55P03":
            return .busy(
                "another session holds the lock longer than lock_timeout",
                "See in pg_locks and pg_stat_activity who holds it.")
        case "55006": return .busy("another session is using it", nil)
        case "57P04": return .schemaChanged("the database was dropped", "Restore it, or correct the connection string.")
        case "53100": return .busy("the server's disk is full", "Make room on the server's disk.")
        case "53200": return .busy("the server is out of memory", "Look at the server's memory.")
        case "53300":
            return .busy(
                "the server has no connection left",
                "Raise max_connections, or the limit of the role or database; `godwit doctor` says how many it needs.")
        case "42501": return .refused("a right is missing", "Grant it to the role that connects.")
        case "42P01", "42703", "3F000":
            return .schemaChanged(
                "a table, column or schema is missing",
                "Apply the schema with `godwit migrate`, or correct the table names.")
        case "3D000": return .schemaChanged("the database does not exist", PostgresError.login)
        case "0A000", "26000", "42P05", "42804", "42883", "42704", "42809", "42P10":
            return .schemaChanged("tables are of another shape than before", "Look at what was changed in the tables.")
        case "28P01", "28000": return .refused("the server does not let the user in", PostgresError.login)
        case "XX001", "XX002":
            return .busy(
                "the server finds its data or an index damaged", "Look at the server's log before anything else.")
        case "42601": return .bug("the statement is wrong")
        case "40002": return .bug("a constraint that is checked at the commit was violated")
        default: break
        }
        switch errorClass {
        case "08": return .away("the connection is lost", nil)
        case "57": return .away("the server ended the connection", nil)
        case "25" where rawValue == "25P03" || rawValue == "25P04":
            return .away("the server ended a session that was idle, or a transaction that took too long", nil)
        case "40": return .busy("the transaction met another one", nil)
        case "53": return .busy("the server lacks a resource", "Look at the server's log.")
        case "58": return .busy("the server cannot use a file or its system", "Look at the server's log.")
        case "28": return .refused("the server does not let the user in", PostgresError.login)
        case "42", "3F", "2B":
            return .schemaChanged("the server does not understand what is asked any more", "Look at what was changed.")
        case "F0": return .refused("the server's configuration is wrong", "Look at the server's log.")
        default: return .bug("the statement or its values are wrong")
        }
    }
}

extension PostgresError.Classification {
    fileprivate static func away(_ reason: String, _ advice: String?) -> Self {
        Self(kind: .away, reason: reason, advice: advice)
    }
    fileprivate static func busy(_ reason: String, _ advice: String?) -> Self {
        Self(kind: .busy, reason: reason, advice: advice)
    }
    fileprivate static func recovering(_ reason: String, _ advice: String?) -> Self {
        Self(kind: .recovering, reason: reason, advice: advice)
    }
    fileprivate static func schemaChanged(_ reason: String, _ advice: String?) -> Self {
        Self(kind: .schemaChanged, reason: reason, advice: advice)
    }
    fileprivate static func refused(_ reason: String, _ advice: String?) -> Self {
        Self(kind: .refused, reason: reason, advice: advice)
    }
    fileprivate static func bug(_ reason: String) -> Self {
        Self(kind: .bug, reason: reason, advice: nil)
    }
}
