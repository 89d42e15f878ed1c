import CLibPQ

/// The rows a statement answered, in PostgreSQL's binary format.
///
/// The rows stay where libpq put them: a column's bytes are borrowed, not copied, for as long as the result lives.
///
/// `@unchecked Sendable`: a `PGresult` does not change once it is complete, and libpq allows concurrent readers.
@safe public final class ResultSet: @unchecked Sendable {
    private let result: OpaquePointer
    var pointer: OpaquePointer { unsafe result }
    /// How many rows there are.
    public let count: Int
    /// How many columns each row has.
    public let columnCount: Int
    let statement: String?
    /// Whether text came as it is stored, in a database that does not know its encoding (`SQL_ASCII`).
    package let isTextUnchecked: Bool

    /// Takes ownership of a complete result.
    init(taking result: OpaquePointer, statement: String?, isTextUnchecked: Bool = false) {
        unsafe self.result = unsafe result
        self.statement = statement
        self.isTextUnchecked = isTextUnchecked
        self.count = Int(unsafe PQntuples(result))
        self.columnCount = Int(unsafe PQnfields(result))
    }

    deinit {
        unsafe PQclear(result)
    }

    /// How many rows the statement inserted, changed, deleted or returned.
    public var affectedRows: Int {
        Int(unsafe String(cString: PQcmdTuples(result))) ?? 0
    }

    /// The server's word for what was done, for example `COMMIT`.
    var commandTag: String {
        unsafe String(cString: PQcmdStatus(result))
    }

    /// The bytes that libpq holds for this result.
    package var memorySize: Int {
        unsafe PQresultMemorySize(result)
    }

    /// Whether the column of the row is NULL. Row and column must exist.
    public func isNull(row: Int, column: Int) -> Bool {
        unsafe PQgetisnull(result, Int32(row), Int32(column)) == 1
    }

    /// The column's bytes, empty for NULL; they live as long as the result. Row and column must exist.
    @_lifetime(borrow self)
    package func bytes(row: Int, column: Int) -> RawSpan {
        let (start, length) = unsafe place(row: row, column: column)
        let span = unsafe RawSpan(_unsafeStart: start, byteCount: Int(length))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Where the column's bytes lie, for as long as the result lives. Row and column must exist.
    func place(row: Int, column: Int) -> (start: UnsafeRawPointer, length: Int32) {
        let start = unsafe UnsafeRawPointer(PQgetvalue(result, Int32(row), Int32(column)))
        return unsafe (start.unsafelyUnwrapped, PQgetlength(result, Int32(row), Int32(column)))
    }

    /// The object id of the column's type.
    package func type(column: Int) -> UInt32 {
        unsafe PQftype(result, Int32(column))
    }

    /// The row at the index, which must exist.
    public subscript(row: Int) -> Row {
        precondition(row >= 0 && row < count, "row \(row) of \(count)")
        return Row(result: self, index: row)
    }

    /// The first row, if there is one.
    public var first: Row? { count > 0 ? self[0] : nil }

    /// The column's name.
    func name(column: Int) -> String {
        unsafe PQfname(result, Int32(column)).map { unsafe String(cString: $0) } ?? "\(column + 1)"
    }
}

extension ResultSet: RandomAccessCollection {
    /// The index of the first row.
    public var startIndex: Int { 0 }
    /// The index behind the last row.
    public var endIndex: Int { count }
}

/// One row of a result.
public struct Row: Sendable {
    let result: ResultSet
    let index: Int

    /// Reads the column, counted from 0, as the type.
    ///
    /// - Throws: `decoding` if the column does not exist, is NULL, or is of another type.
    public func decode<Value: PostgresDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let value = try decodeIfPresent(column, as: type) else {
            throw failure(column, "is NULL; read it as an optional value, or by `decodeIfPresent`")
        }
        return value
    }

    /// Reads the column, counted from 0, as an optional value, for a context that wants one: `nil` for NULL.
    ///
    /// - Throws: `decoding` if the column does not exist or is of another type.
    public func decode<Value: PostgresDecodable>(
        _ column: Int, as type: Value?.Type = Value?.self
    ) throws(PostgresError) -> Value? {
        try decodeIfPresent(column, as: Value.self)
    }

    /// Reads the column, counted from 0, as the type; `nil` for NULL.
    ///
    /// - Throws: `decoding` if the column does not exist or is of another type.
    public func decodeIfPresent<Value: PostgresDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value? {
        guard column >= 0, column < result.columnCount else {
            throw PostgresError(
                .decoding, "there is no column \(column); the result has \(result.columnCount)",
                statement: result.statement)
        }
        if result.isNull(row: index, column: column) { return nil }
        let columnType = result.type(column: column)
        guard let value = Value.decode(result.bytes(row: index, column: column), type: columnType) else {
            throw failure(
                column, "has the type \(PostgresType.name(columnType)), and its value does not read as \(type)")
        }
        return value
    }

    /// The column's bytes as they came, empty for NULL. The column must exist.
    @_lifetime(borrow self)
    package func bytes(_ column: Int) -> RawSpan { result.bytes(row: index, column: column) }

    private func failure(_ column: Int, _ reason: String) -> PostgresError {
        PostgresError(.decoding, "column \(result.name(column: column)) \(reason)", statement: result.statement)
    }
}
