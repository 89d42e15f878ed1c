/// A five-character SQLSTATE code of PostgreSQL.
///
/// Source: PostgreSQL documentation, appendix A.
public struct SQLState: RawRepresentable, Sendable, Hashable {
    /// The code, for example `23505`.
    public let rawValue: String

    /// Takes a code as it is.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// 23505: a unique constraint was violated.
    public static let uniqueViolation = SQLState(rawValue: "23505")
    /// 23503: a row refers to another that is not there, or is to go.
    public static let foreignKeyViolation = SQLState(rawValue: "23503")
    /// 23001: a row that is to go is referred to.
    public static let restrictViolation = SQLState(rawValue: "23001")
    /// P0001: a function has raised an exception.
    public static let raiseException = SQLState(rawValue: "P0001")
    /// 40001: the transaction could not be serialized; try it again.
    public static let serializationFailure = SQLState(rawValue: "40001")
    /// 40P01: the transaction lost a deadlock; try it again.
    public static let deadlockDetected = SQLState(rawValue: "40P01")
    /// 42P01: no such table.
    public static let undefinedTable = SQLState(rawValue: "42P01")
    /// 42703: no such column.
    public static let undefinedColumn = SQLState(rawValue: "42703")
    /// `undefined_function`, also an operator that takes no such types.
    public static let undefinedFunction = SQLState(rawValue: "42883")
    /// `datatype_mismatch`
    public static let datatypeMismatch = SQLState(rawValue: "42804")
    /// 3F000: no such schema.
    public static let invalidSchemaName = SQLState(rawValue: "3F000")
    /// 42501: the role lacks a right.
    public static let insufficientPrivilege = SQLState(rawValue: "42501")
    /// 55P03: a lock was not to be had in time.
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
    /// 57014: the statement was cancelled, by its timeout or by a request.
    public static let queryCanceled = SQLState(rawValue: "57014")
    /// 57P01: an administrator ended the connection, or the server is shutting down.
    public static let adminShutdown = SQLState(rawValue: "57P01")
    /// 26000: the server does not know the prepared statement.
    public static let invalidSQLStatementName = SQLState(rawValue: "26000")
    /// 42P05: the server has a prepared statement of that name already.
    public static let duplicatePreparedStatement = SQLState(rawValue: "42P05")
    /// 0A000: the server cannot do what was asked.
    public static let featureNotSupported = SQLState(rawValue: "0A000")

    /// The first two characters, which name the class.
    public var errorClass: String { String(rawValue.prefix(2)) }

    /// Whether a refusal at connection time is about who asks or what for, so that trying again is pointless.
    var isAuthentication: Bool {
        errorClass == "28" || rawValue == "3D000" || rawValue == "42501"
    }

    /// Whether the server's message is likely to quote data.
    var quotesData: Bool {
        errorClass == "22" || errorClass == "23"
    }
}
