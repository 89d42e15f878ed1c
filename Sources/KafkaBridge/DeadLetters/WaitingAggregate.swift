import EventSourcing
import Postgres

/// An aggregate with parked events, as the table has it.
struct WaitingAggregate: Sendable, Hashable {
    let segment: Int
    let aggregate: AggregateIdentity
    /// Its first parked event.
    let position: Int64
    /// Whether that event could not be delivered itself.
    let isCause: Bool
    let state: DeadLetter.State
    let isRedriveRequested: Bool
    /// How many of its events are parked.
    let size: Int

    /// Whether its events are to be delivered: an operator asked for it, a relay has begun to, or what they waited behind
    /// is gone.
    var isReady: Bool { !isCause || isRedriveRequested || state == .redriving }
}

extension WaitingAggregate {
    /// Reads a row of ``DeadLettersTable/waiting(_:segments:)``.
    init(_ row: Row) throws(PostgresError) {
        let state: String = try row.decode(6)
        segment = try row.decode(0)
        aggregate = AggregateIdentity(
            boundedContext: try row.decode(1), aggregateType: try row.decode(2), aggregateID: try row.decode(3))
        position = try row.decode(4)
        isCause = try row.decode(5)
        self.state = DeadLetter.State(rawValue: state) ?? .parked
        isRedriveRequested = try row.decode(7)
        size = try row.decode(8)
    }
}
