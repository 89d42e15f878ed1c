package import Postgres

/// Events as they came from PostgreSQL: binary rows that stay in one piece of memory until the batch is released.
///
/// Nothing is copied until asked for, so that an event can go from here to Kafka without becoming a `String` on the way.
public final class EventBatch: Sendable {
    let cells: ResultCells
    /// How the rows are to be read.
    let traits: EventTraits
    /// How many events there are.
    public let count: Int
    /// Whether some event may have a defect, so that each is to be asked. False for all batches of a sound table.
    package let mayHaveDefects: Bool
    /// How many events the read had, with those that stayed behind because of their size.
    package let found: Int
    /// Whether events stayed behind because of their size.
    package var isCut: Bool { count < found }

    /// All rows of a read of Godwit's own shape; ``EventsTable/batch(_:)`` takes those of any.
    ///
    /// - Throws: `decoding` if a column's type is not the schema's.
    package convenience init(_ rows: ResultSet) throws(PostgresError) {
        try self.init(ResultCells(rows))
    }

    /// As ``init(_:)``, up to the first row whose payload did not come.
    package convenience init(beforeMissingPayload rows: ResultSet) throws(PostgresError) {
        try self.init(ResultCells(rows), of: nil, endsBeforeMissingPayload: true)
    }

    /// All rows of a read of Godwit's own shape.
    ///
    /// - Throws: `decoding` if a column's type is not the schema's.
    package convenience init(_ cells: ResultCells) throws(PostgresError) {
        try self.init(cells, of: nil)
    }

    /// All rows of a read, or those before the first whose payload did not come, which a read under
    /// ``PayloadLimit/perRow(_:)`` marks so.
    ///
    /// - Parameter shape: what was read; `nil` for Godwit's own.
    /// - Throws: `decoding` if a column's type is none that the shape may have.
    convenience init(
        _ cells: ResultCells, of shape: SourceShape?, endsBeforeMissingPayload: Bool = false
    ) throws(PostgresError) {
        try Self.check(cells, isMapped: shape?.isMapped ?? false)
        var count = cells.count
        if endsBeforeMissingPayload {
            count = (0..<count).first { cells.isNull(row: $0, column: Column.payload.rawValue) } ?? count
        }
        self.init(checked: cells, EventTraits(cells, shape), count: count)
    }

    private init(checked cells: ResultCells, _ traits: EventTraits, count: Int) {
        self.cells = cells
        self.count = count
        self.traits = traits
        found = Self.found(cells) ?? cells.count
        mayHaveDefects = cells.isTextUnchecked || cells.nullColumns & ~UInt64(traits.optional) & Column.all != 0
    }

    private static func check(_ cells: ResultCells, isMapped: Bool) throws(PostgresError) {
        guard cells.columnCount >= Column.allCases.count else {
            throw PostgresError(
                .decoding, "the events have \(cells.columnCount) columns; expected \(Column.allCases.count)")
        }
        for column in Column.allCases {
            let (type, types) = (cells.type(column: column.rawValue), column.types(isMapped: isMapped))
            guard !types.contains(type) else { continue }
            throw PostgresError(
                .decoding,
                "the events table's column \(column) has the type with object id \(type); expected \(types)")
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

        /// A bit for each.
        static let all: UInt64 = (1 << UInt64(allCases.count)) - 1

        var isText: Bool {
            switch self {
            case .boundedContext, .aggregateType, .aggregateID, .eventType, .traceID, .correlationID, .causationID: true
            default: false
            }
        }

        /// The types that a result can have; those of a mapped source are turned into what the schema's hold as they are read.
        func types(isMapped: Bool) -> [UInt32] {
            guard isMapped else { return types }
            return switch self {
            case .payload, .metadata: [17, 25, 1042, 1043, 114, 3802]
            case .createdAt: [1184, 1114, 1082]
            default: types
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
    public subscript(index: Int) -> EventView { EventView(cells: cells, index: index, traits: traits) }
}
