package import Postgres

/// Events as they came from PostgreSQL: binary rows that stay in one piece of memory until the batch is released.
///
/// Nothing is copied until asked for, so that an event can go from here to Kafka without becoming a `String` on the way.
public final class EventBatch: Sendable {
    let cells: ResultCells
    /// How many events there are.
    public let count: Int
    /// Whether some event may have a defect, so that each is to be asked. False for all batches of a sound table.
    package let mayHaveDefects: Bool
    /// How many events the read had, with those that stayed behind because of their size.
    package let found: Int
    /// Whether payloads may have stayed behind.
    let withholds: Bool

    /// Whether events stayed behind because of their size.
    package var isCut: Bool { count < found }

    /// All rows of a read.
    ///
    /// - Throws: `decoding` if a column's type is not the schema's.
    package convenience init(_ rows: ResultSet) throws(PostgresError) {
        try self.init(ResultCells(rows))
    }

    /// All rows of a read.
    ///
    /// - Throws: `decoding` if a column's type is not the schema's.
    package convenience init(_ cells: ResultCells) throws(PostgresError) {
        try Self.check(cells)
        self.init(checked: cells, count: cells.count)
    }

    /// The rows of a read under ``PayloadLimit/perRow(_:)``, up to the first whose payload did not come.
    ///
    /// - Throws: `decoding` if a column's type is not the schema's.
    package convenience init(beforeMissingPayload rows: ResultSet) throws(PostgresError) {
        try self.init(beforeMissingPayload: ResultCells(rows))
    }

    /// The rows of a read under ``PayloadLimit/perRow(_:)``, up to the first whose payload did not come.
    ///
    /// - Throws: `decoding` if a column's type is not the schema's.
    package convenience init(beforeMissingPayload cells: ResultCells) throws(PostgresError) {
        try Self.check(cells)
        let complete = (0..<cells.count).first { cells.isNull(row: $0, column: Column.payload.rawValue) }
        self.init(checked: cells, count: complete ?? cells.count)
    }

    private init(checked cells: ResultCells, count: Int) {
        self.cells = cells
        self.count = count
        withholds = cells.columnCount > Column.withheld
        found = Self.found(cells) ?? cells.count
        mayHaveDefects = cells.isTextUnchecked || cells.nullColumns & Column.required != 0
    }

    private static func check(_ cells: ResultCells) throws(PostgresError) {
        guard cells.columnCount >= Column.allCases.count else {
            throw PostgresError(
                .decoding, "the events have \(cells.columnCount) columns; expected \(Column.allCases.count)")
        }
        for column in Column.allCases where !column.types.contains(cells.type(column: column.rawValue)) {
            throw PostgresError(
                .decoding,
                "the events table's column \(column) has the type with object id \(cells.type(column: column.rawValue)); "
                    + "expected \(column.types)")
        }
    }

    /// What a read that adds up says of all of its rows.
    private static func found(_ cells: ResultCells) -> Int? {
        guard cells.columnCount > Column.found, cells.count > 0 else { return nil }
        let value = cells.bytes(row: 0, column: Column.found)
        guard value.byteCount == MemoryLayout<Int64>.size else { return nil }
        return Int(Int64(bigEndian: value.unsafeLoadUnaligned(as: Int64.self)))
    }

    /// The bytes of memory the rows take.
    public var memorySize: Int { cells.memorySize }

    /// The columns in the order they are selected in, with the object ids of the types they may have.
    enum Column: Int, CaseIterable {
        case globalPosition, boundedContext, aggregateType, aggregateID, aggregateVersion, eventID, eventType,
            eventVersion, payload, traceID, correlationID, causationID, metadata, createdAt

        /// Where a read that adds up has the length of a payload that stayed behind, and behind it how many rows it had.
        static let withheld = allCases.count
        static let found = allCases.count + 1

        /// The columns that no event is without, a bit for each.
        static let required: UInt64 = allCases.filter { !$0.isOptional }.reduce(0) { $0 | 1 << UInt64($1.rawValue) }

        var isOptional: Bool {
            switch self {
            case .traceID, .correlationID, .causationID, .metadata: true
            default: false
            }
        }

        var isText: Bool {
            switch self {
            case .boundedContext, .aggregateType, .aggregateID, .eventType, .traceID, .correlationID, .causationID: true
            default: false
            }
        }

        var types: [UInt32] {
            switch self {
            case .globalPosition, .aggregateVersion: [20]
            case .eventVersion: [23]
            case .eventID: [2950]
            case .payload: [17]
            case .metadata: [3802]
            case .createdAt: [1184]
            default: [25, 1043]
            }
        }
    }
}

extension EventBatch: RandomAccessCollection {
    /// The index of the first event.
    public var startIndex: Int { 0 }
    /// The index behind the last event.
    public var endIndex: Int { count }
    /// The event at the index.
    public subscript(index: Int) -> EventView { EventView(cells: cells, index: index, withholds: withholds) }
}
