/// What went wrong with PostgreSQL, and what can be done about it.
///
/// The message never holds a parameter's value, a row's content or a password: the server's detail is left out, and so
/// is whatever it quotes when it complains about data.
public struct PostgresError: Error, Sendable, Hashable {
    /// The kind of failure. New kinds may come; switch over it with a default.
    public struct Code: Sendable, Hashable {
        enum Base: Hashable {
            case invalidConfiguration, connectionFailed, authentication, connectionLost, statement, cancelled,
                rolledBack, transactionOpen, decoding, poolTimeout, closed, misuse, secretUnavailable,
                sessionRequired
        }
        let base: Base

        /// The connection string or an option in it makes no sense.
        public static let invalidConfiguration = Code(base: .invalidConfiguration)
        /// No server answered, or it refused the connection for now.
        public static let connectionFailed = Code(base: .connectionFailed)
        /// The server refused the user, the password, the database or the certificate.
        public static let authentication = Code(base: .authentication)
        /// The connection broke; whether a statement under way took effect is not known.
        public static let connectionLost = Code(base: .connectionLost)
        /// The server refused the statement; ``PostgresError/sqlState`` says why.
        public static let statement = Code(base: .statement)
        /// The task was cancelled, and with it the statement.
        public static let cancelled = Code(base: .cancelled)
        /// The transaction had failed before, so its commit rolled it back.
        public static let rolledBack = Code(base: .rolledBack)
        /// The connection was used directly while a transaction is open on it.
        public static let transactionOpen = Code(base: .transactionOpen)
        /// A column has another type than was asked for.
        public static let decoding = Code(base: .decoding)
        /// No connection of the pool came free in time.
        public static let poolTimeout = Code(base: .poolTimeout)
        /// The connection or pool was closed before.
        public static let closed = Code(base: .closed)
        /// A call that does not fit the state of the connection.
        public static let misuse = Code(base: .misuse)
        /// The file or command that gives the password gives none at the moment.
        public static let secretUnavailable = Code(base: .secretUnavailable)
        /// A pooler is between that keeps no session for its client.
        public static let sessionRequired = Code(base: .sessionRequired)
    }

    /// The kind of failure.
    public let code: Code
    /// What happened, in the server's or libpq's words as far as they hold no data.
    public let message: String
    /// The five-character code of the server, where it gave one.
    public let sqlState: SQLState?
    /// The statement's name, where one was under way.
    public let statement: String?
    /// The constraint, table or column that the server named, for example a unique constraint's name.
    public let object: String?
    /// The server's hint.
    public let hint: String?

    package init(
        _ code: Code, _ message: String, sqlState: SQLState? = nil, statement: String? = nil, object: String? = nil,
        hint: String? = nil
    ) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.statement = statement
        self.object = object
        self.hint = hint
    }

    /// Whether the same transaction may simply be tried again: a deadlock or a serialization failure. See also
    /// ``classification``.
    public var isTransient: Bool {
        sqlState == .serializationFailure || sqlState == .deadlockDetected
    }

    /// Whether the server was away, went away, or had no room: wait, connect again, go on.
    public var isConnectionFailure: Bool {
        if code == .connectionFailed || code == .connectionLost { return true }
        return classification.kind == .away || sqlState.map { ["57P03", "53300"].contains($0.rawValue) } == true
    }
}

extension PostgresError: CustomStringConvertible {
    /// One line: the message, the SQLSTATE, the statement, and what to do.
    public var description: String {
        var text = message
        if let sqlState { text += " (SQLSTATE \(sqlState.rawValue))" }
        if let statement, statement != BoundStatement.interpolatedName { text += " in statement \(statement)" }
        if let hint { text += "; hint: \(hint)" }
        if let advice = classification.advice { text += text.hasSuffix(".") ? " \(advice)" : ". \(advice)" }
        return text
    }
}
