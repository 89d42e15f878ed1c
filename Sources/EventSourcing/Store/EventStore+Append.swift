import FoundationEssentials
public import Postgres

extension EventStore {
    /// Appends events to one aggregate, in the caller's transaction and in one round trip.
    ///
    /// The aggregate's head stays locked until the transaction ends, so that appends to one aggregate follow one
    /// another, and the order of versions is the order of positions. Events that plain SQL has written without moving the
    /// head count too. A writer in plain SQL does not wait for that lock: if it is faster, the append is a conflict whose
    /// `actual` is `nil`, also where nothing was expected.
    ///
    /// - Throws: before any SQL, `noEvents`, `mixedAggregates` and `invalidEvent`. `optimisticConcurrency` when the
    ///   aggregate is not as expected. `duplicateEventID`, `database`, and `optimisticConcurrency` without an `actual`
    ///   version of an aggregate that exists, leave the transaction failed.
    @discardableResult
    public func append(
        _ events: [Event], expecting expected: ExpectedVersion, in transaction: Transaction
    ) async throws(EventStoreError) -> AppendResult {
        guard let aggregate = events.first?.aggregate else { throw .noEvents }
        try Self.validate(events, aggregate)
        let result: ResultSet
        do throws(PostgresError) {
            result = try await transaction.query(append.bind(events, aggregate, expected))
        } catch {
            guard error.sqlState == .uniqueViolation else { throw .database(error) }
            throw error.object?.contains("event_id") == true
                ? .duplicateEventID(aggregate: aggregate)
                : .optimisticConcurrency(aggregate: aggregate, expected: expected, actual: nil)
        }
        do {
            guard let row = result.first, let positions: [Int64] = try row.decodeIfPresent(0),
                let first: Int64 = try row.decodeIfPresent(1)
            else {
                let actual: Int64? = try result.first?.decodeIfPresent(2)
                throw EventStoreError.optimisticConcurrency(aggregate: aggregate, expected: expected, actual: actual)
            }
            return AppendResult(
                fromVersion: first - 1, toVersion: first - 1 + Int64(positions.count), positions: positions)
        } catch {
            throw EventStoreError(error)
        }
    }

    private static func validate(
        _ events: [Event], _ aggregate: AggregateIdentity
    ) throws(EventStoreError) {
        for (index, event) in events.enumerated() {
            guard event.aggregate == aggregate else { throw .mixedAggregates(index: index) }
            let required = [
                ("bounded context", event.boundedContext), ("aggregate type", event.aggregateType),
                ("aggregate id", event.aggregateID), ("event type", event.eventType),
            ]
            for (field, text) in required where text.isEmpty {
                throw .invalidEvent(index: index, field: field, reason: "is empty")
            }
            let optional = [
                ("trace id", event.traceID), ("correlation id", event.correlationID),
                ("causation id", event.causationID), ("metadata", event.metadata),
            ]
            for (field, text) in required.map({ ($0, Optional($1)) }) + optional where text?.utf8.contains(0) == true {
                throw .invalidEvent(index: index, field: field, reason: "holds a NUL character, which no text may")
            }
        }
    }
}
