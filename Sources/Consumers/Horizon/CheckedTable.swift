package import EventSourcing
package import Postgres

extension EventsTable {
    /// The SQL for a source, once its columns are as they are configured and the role may read them; it is made for the
    /// types that they have.
    ///
    /// - Throws: `SourceError`.
    package static func checked(
        _ shape: SourceShape, on session: some PostgresSession
    ) async throws(SourceError) -> EventsTable {
        let catalog: SourceCatalog
        do throws(PostgresError) {
            catalog = try await SourceCatalog(shape, on: session)
        } catch {
            throw SourceError(error, table: shape.table)
        }
        guard catalog.exists else { throw .missingTable(shape.table) }
        if let refusal = SourceError(shape.problems(catalog)) { throw refusal }
        return EventsTable(shape.with(catalog))
    }
}
