import Consumers
package import Postgres

extension Configuration {
    /// Whether what is delivered of the source is to be removed.
    package var removesDelivered: Bool { source.kind == .outbox && source.retention.pruning != nil }

    /// Registers the consumers with their source, so that nothing they have still to deliver is removed before they have begun.
    ///
    /// - Returns: those that were not registered before.
    package func registerConsumers(on connection: Connection) async throws(PostgresError) -> [String] {
        if consumers.isEmpty { return [] }
        return try await RegistrationsTable.register(
            consumers.map { (name: $0.name, start: $0.start) }, by: CommandActor.current, database.tables,
            on: connection)
    }
}
