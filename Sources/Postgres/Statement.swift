/// The text of an SQL statement, with parameters as `$1`, `$2`, ….
///
/// A statement with a name is prepared once per connection, at its first use. The server knows it by its text and the
/// types of its parameters: the name is a label that shows in errors and in the server's log, and two statements may
/// share it.
public struct Statement: Sendable, Hashable {
    /// The label, or `nil` for a statement that is not worth preparing.
    public let name: String?
    /// The SQL text.
    public let sql: String

    /// A statement that is prepared at its first use.
    public init(name: String, sql: String) {
        self.name = name
        self.sql = sql
    }

    /// A statement that is sent as it is, each time.
    public init(_ sql: String) {
        self.name = nil
        self.sql = sql
    }
}

extension Statement: ExpressibleByStringLiteral {
    /// A statement that is sent as it is, each time.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

/// A statement with the values of its parameters: one step of a pipeline.
public struct BoundStatement: Sendable {
    let statement: Statement
    let parameters: Parameters

    /// Binds the values to the statement's parameters, in order.
    public init(_ statement: Statement, _ values: [any PostgresEncodable] = []) {
        self.statement = statement
        self.parameters = Parameters(values)
    }
}

/// What statements can be run on: a connection or an open transaction.
public protocol PostgresSession: Sendable {
    /// Runs the statement with its values and returns its rows.
    @discardableResult
    func query(_ bound: BoundStatement) async throws(PostgresError) -> ResultSet
}

extension Connection: PostgresSession {}
extension Transaction: PostgresSession {}
