package import Postgres

extension EventBatch {
    /// Events that were not read from a database, for tests.
    ///
    /// - Throws: `decoding` if they take more than 4 GiB.
    package convenience init(_ events: [PersistedEvent]) throws(PostgresError) {
        var rows = CopyWriter(columnCount: Column.allCases.count)
        for event in events {
            rows.append([
                event.globalPosition, event.boundedContext, event.aggregateType, event.aggregateID,
                event.aggregateVersion, event.eventID, event.eventType, event.eventVersion, Bytes(event.payload),
                event.traceID, event.correlationID, event.causationID,
                // The first byte is the version of jsonb's binary format.
                event.metadata.map { Bytes([1] + $0.utf8) }, event.createdAt,
            ])
        }
        try self.init(rows.finish(types: Column.allCases.map { $0.types[0] }))
    }
}
