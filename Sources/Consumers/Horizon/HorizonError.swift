public import EventSourcing
public import Postgres

/// Why there can be no settled horizon on this database.
public enum HorizonError: Error, Sendable, Hashable {
    /// The events table does not exist.
    case missingTable(TableName)
    /// `global_position` draws from no sequence that belongs to it.
    case missingSequence(TableName)
    /// Sessions draw positions ahead, so that later positions become visible long before earlier ones are used.
    case cachedSequence(String, cache: Int64)
    /// The sequence does not simply count up.
    case unusualSequence(String)
    /// A standby shows neither the writers nor their positions.
    case standby
    /// PostgreSQL refused or was not there.
    case database(PostgresError)
}

extension HorizonError: CustomStringConvertible {
    /// One line that says what to do.
    public var description: String {
        switch self {
        case .missingTable(let table):
            "table \(table.text) does not exist: apply the schema with `godwit migrate`, or correct database.tables.events"
        case .missingSequence(let table):
            "\(table.text).global_position has no sequence of its own: make it bigserial, or run "
                + "ALTER SEQUENCE … OWNED BY \(table.text).global_position"
        case .cachedSequence(let sequence, let cache):
            "sequence \(sequence) has CACHE \(cache), with which events would be skipped: run "
                + "ALTER SEQUENCE \(sequence) CACHE 1 and let the sessions that have drawn ahead reconnect"
        case .unusualSequence(let sequence):
            "sequence \(sequence) must count up by 1 without CYCLE: run ALTER SEQUENCE \(sequence) INCREMENT 1 NO CYCLE"
        case .standby: "the server is a standby: connect to the primary, where the events are written"
        case .database(let error): error.description
        }
    }
}
