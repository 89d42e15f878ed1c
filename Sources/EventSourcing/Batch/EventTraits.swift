package import Postgres

/// How the rows of a batch are to be read, besides their columns' places.
struct EventTraits: Sendable {
    /// Whether payloads may have stayed behind.
    let withholds: Bool
    /// How many bytes come before the payload's and the metadata's own: `jsonb` has the version of its format there.
    let payloadPrefix: Int
    let metadataPrefix: Int
    /// Whether times are whole days.
    let hasDates: Bool
    /// The columns that an event may be without, a bit for each.
    let optional: UInt16

    init(_ cells: ResultCells, _ shape: SourceShape?) {
        func type(_ column: EventBatch.Column) -> UInt32 { cells.type(column: column.rawValue) }
        withholds = cells.columnCount > EventBatch.Column.withheld
        payloadPrefix = type(.payload) == Self.jsonb ? 1 : 0
        metadataPrefix = type(.metadata) == Self.jsonb ? 1 : 0
        hasDates = type(.createdAt) == Self.date
        optional = (shape?.optionalFields ?? Self.ownOptional).reduce(0) { $0 | 1 << UInt16($1.rawValue) }
    }

    private static let jsonb: UInt32 = 3802
    private static let date: UInt32 = 1082
    private static let ownOptional: Set<SourceShape.Field> = [.traceID, .correlationID, .causationID, .metadata]

    func isOptional(_ column: EventBatch.Column) -> Bool { optional & 1 << UInt16(column.rawValue) != 0 }
}

extension EventsTable {
    /// All rows of a read.
    ///
    /// - Throws: `decoding` if a column has a type that its field cannot be read from.
    package func batch(_ rows: ResultSet) throws(PostgresError) -> EventBatch {
        try EventBatch(ResultCells(rows), of: shape)
    }

    /// The rows of a read under ``PayloadLimit/perRow(_:)``, up to the first whose payload did not come.
    ///
    /// - Throws: `decoding` if a column has a type that its field cannot be read from.
    package func batch(beforeMissingPayload rows: ResultSet) throws(PostgresError) -> EventBatch {
        try EventBatch(ResultCells(rows), of: shape, endsBeforeMissingPayload: true)
    }
}
