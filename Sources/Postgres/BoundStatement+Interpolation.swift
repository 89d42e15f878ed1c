/// SQL with values in it: `"SELECT name FROM users WHERE id = \(id)"`.
///
/// A value never becomes part of the text. It is sent as a parameter, so that it needs no quotes and can do no harm; the
/// text has `$1`, `$2`, … in its places, and is prepared once per connection, whatever the values. So a value can stand only
/// where SQL takes an expression. The name of a table or column is given as `\(identifier: name)`, which quotes it.
extension BoundStatement: ExpressibleByStringInterpolation {
    /// What all of them are called.
    static let interpolatedName = "interpolated"

    /// A statement without values, sent as it is.
    public init(stringLiteral value: String) {
        self.init(Statement(value))
    }

    /// A statement with the values that were interpolated.
    public init(stringInterpolation: StringInterpolation) {
        // What has no values is as likely to be run only once, for example to create a table.
        let statement =
            stringInterpolation.values.isEmpty
            ? Statement(stringInterpolation.sql) : Statement(name: Self.interpolatedName, sql: stringInterpolation.sql)
        self.init(statement, stringInterpolation.values)
    }

    /// Gathers the text and the values.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var sql = ""
        fileprivate var values: [any PostgresEncodable] = []

        /// Begins.
        public init(literalCapacity: Int, interpolationCount: Int) {
            sql.reserveCapacity(literalCapacity + 3 * interpolationCount)
            values.reserveCapacity(interpolationCount)
        }

        /// Takes SQL as it is in the source.
        public mutating func appendLiteral(_ literal: String) {
            sql += literal
        }

        /// Takes a value as a parameter.
        public mutating func appendInterpolation(_ value: some PostgresEncodable) {
            values.append(value)
            sql += "$\(values.count)"
        }

        /// Takes a value as a parameter; `nil` is NULL.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            values.append(value)
            sql += "$\(values.count)"
        }

        /// Takes the name of a table, column, schema or role, and quotes it.
        public mutating func appendInterpolation(identifier name: String) {
            sql += quoteIdentifier(name)
        }
    }
}
