package import Consumers
package import EventSourcing
package import Postgres

/// Finds where a range ends: at a position up to which everything is settled, so that no event can appear in the range
/// afterwards.
package struct SettledEnd: Sendable {
    private let horizon: HorizonTracker
    private let table: EventsTable
    /// How long to wait for transactions that write events.
    private let patience: Duration

    package init(_ horizon: HorizonTracker, tables: TableNames, patience: Duration = .seconds(30)) {
        self.horizon = horizon
        self.table = EventsTable(tables.source)
        self.patience = patience
    }

    /// - Parameter asked: the last position wanted; `nil` for the last there is now.
    /// - Throws: ``JobError``, `SourceError` or `PostgresError`.
    package func find(asked: Int64?, on session: some PostgresSession) async throws -> Int64 {
        var horizon = try await self.horizon.refresh()
        let visible: Int64 = try await session.query(table.latestPosition).first?.decode(0) ?? 0
        if visible > horizon {
            // A position that the sequence has not drawn settles at no time.
            let drawn = try await self.horizon.lastDrawn()
            if visible > drawn { throw SourceError.foreignPosition(visible, lastDrawn: drawn) }
        }
        let last = max(visible, horizon)
        if let asked, asked > last { throw JobError.notYetThere(asked, last: last) }
        let end = asked ?? last
        let deadline = ContinuousClock.now + patience
        while horizon < end {
            guard ContinuousClock.now < deadline else {
                throw JobError.unsettled(holders: try await self.horizon.holds().map(\.description))
            }
            try await Task.sleep(for: .milliseconds(20))
            horizon = try await self.horizon.refresh()
        }
        return end
    }
}
