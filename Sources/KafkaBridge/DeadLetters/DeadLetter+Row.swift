import EventSourcing
import FoundationEssentials
import Postgres

extension DeadLetter {
    /// Reads a row of ``DeadLettersTable/columns``.
    init(_ row: Row) throws(PostgresError) {
        let state: String = try row.decode(9)
        let reason: String = try row.decode(12)
        guard let state = State(rawValue: state) else {
            throw PostgresError(
                .decoding, "a dead letter's state is \(state.debugDescription): is this Godwit too old?")
        }
        consumer = try row.decode(0)
        position = try row.decode(1)
        segment = try row.decode(2)
        eventID = try row.decode(3)
        eventType = try row.decode(4)
        aggregate = AggregateIdentity(
            boundedContext: try row.decode(5), aggregateType: try row.decode(6), aggregateID: try row.decode(7))
        aggregateVersion = try row.decode(8)
        self.state = state
        isCause = try row.decode(10)
        isRedriveRequested = try row.decode(11)
        // A newer Godwit may know more reasons; the error says it in words.
        self.reason = Reason(rawValue: reason) ?? .rejected
        error = try row.decode(13)
        attempts = try row.decode(14)
        firstAt = try row.decode(15)
        lastAt = try row.decode(16)
    }
}
