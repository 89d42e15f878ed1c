package import FoundationEssentials
import Postgres

/// One event of a batch, read in place.
public struct EventView: Sendable {
    let cells: ResultCells
    let index: Int
    let traits: EventTraits

    /// The place in the order of all events.
    public var globalPosition: Int64 { integer(.globalPosition) }
    /// The place in the order of the aggregate's events; 0 where the source has no versions.
    public var aggregateVersion: Int64 { integer(.aggregateVersion) }
    /// The version of the event type's schema; 1 where the source has none.
    public var eventVersion: Int32 { has(.eventVersion) ? integer(.eventVersion) : 1 }
    /// Microseconds since 1970-01-01 UTC; what is out of range, as PostgreSQL's infinity, is clamped to the extremes. The
    /// greatest integer where the source has no times: as `infinity`, it is none.
    public var createdAtMicroseconds: Int64 { has(.createdAt) ? PostgresTimestamp.since1970(timestamp) : .max }

    /// Whether the source has a bounded context; an empty one says nothing.
    package var hasBoundedContext: Bool { !traits.isOptional(.boundedContext) || boundedContext.byteCount > 0 }
    /// Whether the source has the aggregate's version.
    package var hasAggregateVersion: Bool { has(.aggregateVersion) }
    /// Whether the source has the version of the event type.
    package var hasEventVersion: Bool { has(.eventVersion) }
    /// Whether the source has the time.
    package var hasCreatedAt: Bool { has(.createdAt) }

    /// The bounded context, UTF-8, empty where the source has none.
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
    package var payload: RawSpan {
        @_lifetime(borrow self) get {
            let value = bytes(.payload)
            return traits.payloadPrefix == 0 ? value : value.extracting(droppingFirst: min(1, value.byteCount))
        }
    }
    /// The length of a payload that stayed in the database, because nobody can take one of that size; `nil` where it came.
    package var withheldBytes: Int? {
        guard traits.withholds else { return nil }
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
            let value = bytes(.metadata)
            return value.extracting(droppingFirst: min(traits.metadataPrefix, value.byteCount))
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
            createdAt: PostgresTimestamp.date(microseconds: has(.createdAt) ? timestamp : .max))
    }

    /// The event's identity; all zeros where the row has none.
    package var eventUUID: UUID {
        UUID.decode(eventID, type: cells.type(column: EventBatch.Column.eventID.rawValue))
            ?? UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    }

    /// Of what no event is without, nothing is looked up.
    private func has(_ column: EventBatch.Column) -> Bool {
        !traits.isOptional(column) || !cells.isNull(row: index, column: column.rawValue)
    }

    /// Microseconds since 2000. A time without a zone is one in UTC.
    private var timestamp: Int64 {
        guard traits.hasDates else { return integer(.createdAt) }
        switch integer(.createdAt, as: Int32.self) {
        case .min: return .min
        case .max: return .max
        case let days:
            let (product, isOverflow) = Int64(days).multipliedReportingOverflow(by: 86_400_000_000)
            return isOverflow ? (days < 0 ? .min : .max) : product
        }
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
