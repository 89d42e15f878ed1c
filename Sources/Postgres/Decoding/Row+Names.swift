import CLibPQ
import Glibc

extension Row {
    /// Reads the column of the name as the type.
    ///
    /// - Throws: `decoding` if there is no such column, or more than one, or if it is NULL or of another type.
    public func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        try decode(result.index(of: column), as: type)
    }

    /// Reads the column of the name as an optional value, for a context that wants one: `nil` for NULL.
    ///
    /// - Throws: `decoding` if there is no such column, or more than one, or if it is of another type.
    public func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value?.Type = Value?.self
    ) throws(PostgresError) -> Value? {
        try decodeIfPresent(column, as: Value.self)
    }

    /// Reads the column of the name as the type; `nil` for NULL.
    ///
    /// - Throws: `decoding` if there is no such column, or more than one, or if it is of another type.
    public func decodeIfPresent<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value? {
        try decodeIfPresent(result.index(of: column), as: type)
    }
}

extension ResultSet {
    /// The names of the columns, in their order.
    public var columnNames: [String] { (0..<columnCount).map { name(column: $0) } }

    /// The index of the column, by its exact name.
    func index(of column: String) throws(PostgresError) -> Int {
        let found = indices(of: column)
        guard let first = found.first else {
            let names = columnNames.map(\.debugDescription).joined(separator: ", ")
            throw PostgresError(
                .decoding, "there is no column \(column.debugDescription); the result has \(names)",
                statement: statement)
        }
        guard found.count == 1 else {
            throw PostgresError(
                .decoding,
                "\(found.count) columns are named \(column.debugDescription); name them apart in the statement with AS",
                statement: statement)
        }
        return first
    }

    /// The indices of the columns that have the name, without making a text of each.
    func indices(of column: String) -> [Int] {
        unsafe column.withCString { wanted in
            (0..<columnCount).filter { index in
                guard let name = unsafe PQfname(pointer, Int32(index)) else { return false }
                return unsafe strcmp(name, wanted) == 0
            }
        }
    }
}
