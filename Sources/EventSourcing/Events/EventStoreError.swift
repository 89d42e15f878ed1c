public import Postgres

/// Why the event store refused, or could not do, what was asked.
public enum EventStoreError: Error, Sendable, Hashable {
    /// The append had no events.
    case noEvents
    /// The event at the index is of another aggregate than the first.
    case mixedAggregates(index: Int)
    /// A field of the event at the index cannot be stored.
    case invalidEvent(index: Int, field: String, reason: String)
    /// The aggregate is not at the expected version: read it again, decide again, append again.
    ///
    /// `actual` is the version that was seen, `nil` where the conflict showed only as a unique violation.
    case optimisticConcurrency(aggregate: AggregateIdentity, expected: ExpectedVersion, actual: Int64?)
    /// An event with the same event id is stored already; the transaction has failed.
    case duplicateEventID(aggregate: AggregateIdentity)
    /// A table's name is not valid.
    case invalidTableName(String, reason: String)
    /// PostgreSQL refused or was not there.
    case database(PostgresError)
}

extension EventStoreError: CustomStringConvertible {
    /// One line that says what was wrong and what to do.
    public var description: String {
        switch self {
        case .noEvents: "nothing to append: give at least one event"
        case .mixedAggregates(let index):
            "event \(index) is of another aggregate than the first; append each aggregate's events by themselves"
        case .invalidEvent(let index, let field, let reason): "event \(index): \(field) \(reason)"
        case .optimisticConcurrency(let aggregate, let expected, let actual):
            "aggregate \(aggregate.aggregateType) \(quoted(aggregate.aggregateID)): expected \(expected), "
                + (actual.map { "found version \($0)" } ?? "but another append came first")
                + "; read the stream again and retry"
        case .duplicateEventID(let aggregate):
            "aggregate \(aggregate.aggregateType) \(quoted(aggregate.aggregateID)): an event with the same event id "
                + "is stored already"
        case .invalidTableName(let name, let reason): "table name \(quoted(name)) \(reason)"
        case .database(let error): error.description
        }
    }

    /// Identities come from outside: control characters must not reach a terminal or a log.
    private func quoted(_ text: String) -> String {
        text.debugDescription
    }
}
