package import EventSourcing
package import Postgres

extension DatabaseSection {
    /// One connection, for a command that runs once and does not wait for a server that is away.
    package func connect() async throws(PostgresError) -> Connection {
        guard let connection else {
            throw PostgresError(.invalidConfiguration, "no database is configured")
        }
        return try await Connection.open(connection)
    }

    /// Who keeps the sessions of the database: it itself, or a pooler.
    func sessionKeeping() async throws(PostgresError) -> SessionKeeping {
        guard let connection, let check = connection.sessionCheck else { return .server }
        return try await check.keeping(connection)
    }

    /// Lends such a connection to the body, and closes it however the body ends.
    func withConnection<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let connection = try await connect()
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }
}

extension Configuration {
    /// The event store as the configuration describes it.
    package var eventStore: EventStore {
        let notify: EventStore.Notify =
            switch self.notify.mode {
            case .never: .never
            case .auto, .adaptive: .adaptive(channel: self.notify.channel)
            case .always: .always(channel: self.notify.channel)
            }
        return EventStore(tables: database.tables, notify: notify)
    }
}
