/// What a column can be read as, with `Optional` for one that may be NULL.
public protocol PostgresColumnValue {
    /// Reads the column of the row.
    ///
    /// - Throws: `decoding` if it cannot be read as this type.
    static func decode(column: Int, of row: Row) throws(PostgresError) -> Self
}

extension PostgresDecodable {
    /// Reads a column that is not NULL.
    public static func decode(column: Int, of row: Row) throws(PostgresError) -> Self {
        try row.decode(column)
    }
}

extension Array: PostgresColumnValue where Element: PostgresDecodable {}

extension Optional: PostgresColumnValue where Wrapped: PostgresDecodable {
    /// Reads a column, `nil` for NULL.
    public static func decode(column: Int, of row: Row) throws(PostgresError) -> Wrapped? {
        try row.decodeIfPresent(column)
    }
}

extension Row {
    /// Reads the whole row as a tuple: `let (id, name, age) = try row.decode(Int.self, String.self, Int?.self)`.
    ///
    /// - Throws: `decoding` if the row has another number of columns, or one is NULL or of another type.
    public func decode<First: PostgresColumnValue, Second: PostgresColumnValue, each Rest: PostgresColumnValue>(
        _ first: First.Type, _ second: Second.Type, _ rest: repeat (each Rest).Type
    ) throws(PostgresError) -> (First, Second, repeat each Rest) {
        var count = 2
        for _ in repeat (each rest) { count += 1 }
        guard count == result.columnCount else {
            throw PostgresError(
                .decoding, "the row has \(result.columnCount) columns and is read as a tuple of \(count)",
                statement: result.statement)
        }
        var column = 1
        func next<Value: PostgresColumnValue>(_ type: Value.Type) throws(PostgresError) -> Value {
            column += 1
            return try Value.decode(column: column, of: self)
        }
        return (
            try First.decode(column: 0, of: self), try Second.decode(column: 1, of: self),
            repeat try next((each Rest).self)
        )
    }
}
