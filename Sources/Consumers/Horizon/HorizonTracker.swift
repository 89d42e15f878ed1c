package import EventSourcing
package import Logging
package import Postgres

/// The settled horizon on a connection of its own, for jobs that need to know where a range may end.
package actor HorizonTracker {
    private let configuration: ConnectionConfiguration
    private let tables: TableNames
    private let logger: Logger
    private var horizon = SettledHorizon()
    private var connected: (connection: Connection, query: HorizonQuery)?
    private var refreshing: Task<Int64, any Error>?

    package init(_ configuration: ConnectionConfiguration, tables: TableNames, logger: Logger) {
        self.configuration = configuration
        self.tables = tables
        self.logger = logger
    }

    /// Looks at the database and gives the horizon. Callers that come while a look is under way share the next one: the
    /// running one may have begun before what the caller saw.
    ///
    /// - Throws: `SourceError`.
    package func refresh() async throws -> Int64 {
        while let running = refreshing { _ = try? await running.value }
        // A bare task, so that the cancellation of one caller does not end what others wait for.
        // It takes itself away, as a task that waits for a finished one does not suspend, and would keep this actor.
        let task = Task {
            defer { refreshing = nil }
            return try await refreshOnce()
        }
        refreshing = task
        return try await task.value
    }

    /// The last position drawn by now.
    ///
    /// - Throws: `SourceError`.
    package func lastDrawn() async throws -> Int64 {
        let (connection, query) = try await session()
        return try await query.refresh(HorizonQuery.Request(includesWriters: false), on: connection).lastDrawn
    }

    /// Those who hold the horizon back at the moment.
    package func holds() async throws -> [HorizonHold] {
        guard horizon.isWaiting, let connected else { return [] }
        return try await HorizonHolders(sequence: connected.query.sequence)
            .describe(horizon.heldBackBy, on: connected.connection)
    }

    package func close() async {
        await connected?.connection.close()
        connected = nil
    }

    private func refreshOnce() async throws -> Int64 {
        let (connection, query) = try await session()
        do {
            let snapshot = try await query.refresh(HorizonQuery.Request(includesWriters: true), on: connection)
            _ = try query.identity(seen: snapshot.state)
            if let look = snapshot.horizon { horizon.look(lastDrawn: look.lastDrawn, writers: look.writers) }
        } catch {
            // What was settled on a connection that is lost counts for nothing on the next: see ``SettledHorizon``.
            horizon = SettledHorizon()
            await close()
            throw error
        }
        return horizon.position
    }

    private func session() async throws -> (connection: Connection, query: HorizonQuery) {
        if let connected { return connected }
        let connection = try await Connection.open(configuration, logger: logger)
        do {
            try await connection.execute(script: EventsTable.readingSettings)
            let session = (connection, try await HorizonQuery(tables.source, on: connection))
            connected = session
            return session
        } catch {
            await connection.close()
            throw error
        }
    }
}
