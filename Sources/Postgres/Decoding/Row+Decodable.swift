extension Row {
    /// Reads the row as a `Decodable` type, each property from the column of its name.
    ///
    /// A property `createdAt` is read from the column `createdAt` or else `created_at`. What can be NULL is optional. A type that
    /// can be read from a column itself, for example `Int`, is read from a row of one column.
    ///
    /// - Throws: `decoding` if a column is missing, NULL or of another type; what the type's own initialiser throws.
    public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let column = type as? any PostgresDecodable.Type {
            guard result.columnCount == 1 else {
                throw PostgresError(
                    .decoding, "the row has \(result.columnCount) columns; name the one that is to be read as \(type)",
                    statement: result.statement)
            }
            // The type is the very one that was cast from.
            if let value = try column.decode(column: 0, of: self) as? Value { return value }
        }
        return try Value(from: RowDecoder(row: self))
    }
}

/// Gives a row's columns by their names.
private struct RowDecoder: Decoder {
    let row: Row
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(RowContainer(row: row))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw unreadable("a row is read by the names of its columns, or as a tuple")
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        guard row.result.columnCount == 1 else {
            throw unreadable("a row of \(row.result.columnCount) columns is no single value")
        }
        return CellContainer(row: row, column: 0)
    }

    private func unreadable(_ reason: String) -> PostgresError {
        PostgresError(.decoding, reason, statement: row.result.statement)
    }
}

private struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let row: Row
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { row.result.columnNames.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { find(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        row.result.isNull(row: row.index, column: try column(key))
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try CellContainer(row: row, column: column(key)).decode(type)
    }

    private func column(_ key: Key) throws(PostgresError) -> Int {
        if let name = find(key) { return try row.result.index(of: name) }
        return try row.result.index(of: key.stringValue)
    }

    /// The name of the key's column, if there is one.
    private func find(_ key: Key) -> String? {
        [key.stringValue, key.stringValue.snakeCase].first { !row.result.indices(of: $0).isEmpty }
    }

    // A column holds one value.
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        throw nested(key)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw nested(key) }
    func superDecoder() throws -> any Decoder { RowDecoder(row: row) }
    func superDecoder(forKey key: Key) throws -> any Decoder { RowDecoder(row: row) }

    private func nested(_ key: Key) -> PostgresError {
        PostgresError(
            .decoding, "column \(key.stringValue) holds one value, which cannot be read as a type with properties",
            statement: row.result.statement)
    }
}

/// One column of a row, for types that are made of a single value, such as an enum of texts.
private struct CellContainer: SingleValueDecodingContainer, Decoder {
    let row: Row
    let column: Int
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func decodeNil() -> Bool { row.result.isNull(row: row.index, column: column) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let readable = type as? any PostgresDecodable.Type {
            // The type is the very one that was cast from.
            if let value = try readable.decode(column: column, of: row) as? Value { return value }
        }
        if let value = try decodeInteger(as: type) { return value }
        return try Value(from: self)
    }

    /// The integers of Swift that have no counterpart in PostgreSQL.
    private func decodeInteger<Value>(as type: Value.Type) throws -> Value? {
        guard let integer = type as? any FixedWidthInteger.Type else { return nil }
        let value: Int64 = try row.decode(column)
        func exactly<Number: FixedWidthInteger>(_: Number.Type) -> Number? { Number(exactly: value) }
        guard let number = exactly(integer) as? Value else {
            throw PostgresError(
                .decoding, "column \(row.result.name(column: column)) holds a number that is no \(type)",
                statement: row.result.statement)
        }
        return number
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> { throw nested }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw nested }

    private var nested: PostgresError {
        PostgresError(
            .decoding, "column \(row.result.name(column: column)) holds one value, not several",
            statement: row.result.statement)
    }
}

extension String {
    /// `createdAt` as `created_at`, the way columns are mostly named.
    fileprivate var snakeCase: String {
        var text = ""
        for character in self {
            if character.isUppercase {
                if !text.isEmpty { text += "_" }
                text += character.lowercased()
            } else {
                text.append(character)
            }
        }
        return text
    }
}
