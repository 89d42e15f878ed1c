import Postgres

/// What is wrong with an event's row, so that nothing can be made of it as it is.
package enum EventDefect: Error, Sendable, Hashable, CustomStringConvertible {
    /// A column that no event is without is NULL.
    case null(column: String)
    /// A text is not UTF-8, which a database without an encoding (`SQL_ASCII`) stores all the same.
    case notUTF8(column: String)

    package var description: String {
        switch self {
        case .null(let column): "its column \(column) is NULL: give it a value, or discard the event"
        case .notUTF8(let column):
            "the text in its column \(column) is not UTF-8, which records carry: correct it, or discard the event"
        }
    }
}

extension EventView {
    /// What is wrong with the row. To be asked where ``EventBatch/mayHaveDefects`` says so.
    ///
    /// - Parameter includesMetadata: whether the metadata's text counts too.
    package func defect(includesMetadata: Bool) -> EventDefect? {
        for column in EventBatch.Column.allCases {
            if cells.isNull(row: index, column: column.rawValue) {
                let isAbsent = traits.isOptional(column) || column == .payload && withheldBytes != nil
                if !isAbsent { return .null(column: column.name) }
                continue
            }
            guard cells.isTextUnchecked, column.isText || column == .metadata && includesMetadata else { continue }
            let isUTF8 = cells.bytes(row: index, column: column.rawValue).withUnsafeBytes {
                String(validating: $0, as: UTF8.self) != nil
            }
            if !isUTF8 { return .notUTF8(column: column.name) }
        }
        return nil
    }
}

extension EventBatch.Column {
    /// What the field is called in SQL.
    var name: String { SourceShape.Field(rawValue: rawValue)?.alias ?? "" }
}
