package import FoundationEssentials
import Postgres

/// One event of a batch, read in place.
public struct EventView: Sendable {
    let cells: ResultCells
    let index: Int
    let withholds: Bool

    /// The place in the order of all events.
    public var globalPosition: Int64 { integer(.globalPosition) }
    /// The place in the order of the aggregate's events.
    public var aggregateVersion: Int64 { integer(.aggregateVersion) }
    /// The version of the event type's schema.
    public var eventVersion: Int32 { integer(.eventVersion) }
    /// Microseconds since 1970-01-01 UTC; what is out of range, as PostgreSQL's infinity, is clamped to the extremes.
    public var createdAtMicroseconds: Int64 { PostgresTimestamp.since1970(integer(.createdAt)) }

    /// The bounded context, UTF-8.
    package var boundedContext: RawSpan { @_lifetime(borrow self) get { bytes(.boundedContext) } }
    /// The aggregate's type, UTF-8.
    package var aggregateType: RawSpan { @_lifetime(borrow self) get { bytes(.aggregateType) } }
    /// The aggregate's identity, UTF-8.
    package var aggregateID: RawSpan { @_lifetime(borrow self) get { bytes(.aggregateID) } }
    /// The event's identity, 16 bytes.
    package var eventID: RawSpan { @_lifetime(borrow self) get { bytes(.eventID) } }
    /// The event's type, UTF-8.
    package var eventType: RawSpan { @_lifetime(borrow self) get { bytes(.eventType) } }
    /// The content.
    package var payload: RawSpan { @_lifetime(borrow self) get { bytes(.payload) } }
    /// The length of a payload that stayed in the database, because nobody can take one of that size; `nil` where it came.
    package var withheldBytes: Int? {
        guard withholds else { return nil }
        let value = cells.bytes(row: index, column: EventBatch.Column.withheld)
        guard value.byteCount == MemoryLayout<Int32>.size else { return nil }
        return Int(Int32(bigEndian: value.unsafeLoadUnaligned(as: Int32.self)))
    }
    /// The payload's length, whether it came or not.
    package var payloadLength: Int { withheldBytes ?? payload.byteCount }
    /// The bytes of all texts but the metadata.
    package var textLength: Int {
        boundedContext.byteCount + aggregateType.byteCount + aggregateID.byteCount + eventType.byteCount
            + traceID.byteCount + correlationID.byteCount + causationID.byteCount
    }
    /// The bytes that came of payload, metadata and texts.
    package var byteCount: Int { payload.byteCount + metadata.byteCount + textLength }
    /// The trace, UTF-8, empty if there is none.
    package var traceID: RawSpan { @_lifetime(borrow self) get { bytes(.traceID) } }
    /// The correlation id, UTF-8, empty if there is none.
    package var correlationID: RawSpan { @_lifetime(borrow self) get { bytes(.correlationID) } }
    /// The causation id, UTF-8, empty if there is none.
    package var causationID: RawSpan { @_lifetime(borrow self) get { bytes(.causationID) } }
    /// The metadata's JSON text, UTF-8, empty if there is none.
    package var metadata: RawSpan {
        @_lifetime(borrow self) get {
            // The first byte is the version of jsonb's binary format.
            let value = bytes(.metadata)
            return value.extracting(droppingFirst: min(1, value.byteCount))
        }
    }

    /// The event with values of its own.
    public var event: PersistedEvent {
        PersistedEvent(
            globalPosition: globalPosition, boundedContext: string(.boundedContext) ?? "",
            aggregateType: string(.aggregateType) ?? "", aggregateID: string(.aggregateID) ?? "",
            aggregateVersion: aggregateVersion,
            eventID: eventUUID,
            eventType: string(.eventType) ?? "", eventVersion: eventVersion,
            payload: payload.withUnsafeBytes { Array($0) }, traceID: string(.traceID),
            correlationID: string(.correlationID), causationID: string(.causationID), metadata: metadataText,
            createdAt: PostgresTimestamp.date(microseconds: integer(.createdAt)))
    }

    /// The event's identity; all zeros where the row has none.
    package var eventUUID: UUID {
        UUID.decode(eventID, type: cells.type(column: EventBatch.Column.eventID.rawValue))
            ?? UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    }

    private var metadataText: String? {
        if cells.isNull(row: index, column: EventBatch.Column.metadata.rawValue) { return nil }
        return metadata.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    private func string(_ column: EventBatch.Column) -> String? {
        if cells.isNull(row: index, column: column.rawValue) { return nil }
        return bytes(column).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    @_lifetime(borrow self)
    private func bytes(_ column: EventBatch.Column) -> RawSpan {
        cells.bytes(row: index, column: column.rawValue)
    }

    /// The batch has checked the column's type, and with it the length; the schema has these columns NOT NULL.
    private func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ column: EventBatch.Column, as type: Value.Type = Value.self
    ) -> Value {
        let value = bytes(column)
        guard value.byteCount == MemoryLayout<Value>.size else { return 0 }
        return Value(bigEndian: value.unsafeLoadUnaligned(as: Value.self))
    }
}
