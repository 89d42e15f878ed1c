public import Postgres

extension EventStore {
    /// Reads visible events in the order of their positions.
    ///
    /// Beware: positions become visible out of order, since each is drawn before its transaction commits. A reader that
    /// remembers the last position it saw and goes on from there loses events; the `Consumers` library reads up to the
    /// settled horizon instead.
    ///
    /// - Parameters:
    ///   - position: the last position not wanted, 0 for the begin.
    ///   - limit: how many events at most, at least 1.
    public func readEvents(
        after position: Int64, limit: Int, scope: EventScope = .all, in session: some PostgresSession
    ) async throws(EventStoreError) -> [PersistedEvent] {
        do throws(PostgresError) {
            let limit = max(1, limit)
            var (found, position): ([PersistedEvent], Int64) = ([], position)
            // Conditions on payload or metadata are looked at here, so that a read may give few of the events or none.
            while true {
                let statement = eventsTable.read(after: position, limit: limit, scope: scope)
                let events = try eventsTable.batch(await session.query(statement))
                for event in events where found.count < limit && scope.wants(event) { found.append(event.event) }
                guard let last = events.last, events.count == limit, found.count < limit else { return found }
                position = last.globalPosition
            }
        } catch {
            throw .database(error)
        }
    }

    /// Reads an aggregate's events, all or a range of versions, both ends included.
    public func readStream(
        _ aggregate: AggregateIdentity, fromVersion: Int64 = 1, toVersion: Int64 = .max,
        in session: some PostgresSession
    ) async throws(EventStoreError) -> Stream {
        do throws(PostgresError) {
            let statement = eventsTable.readStream(aggregate, from: fromVersion, to: toVersion)
            return Stream(
                aggregate: aggregate, events: try eventsTable.batch(await session.query(statement)).map(\.event))
        } catch {
            throw .database(error)
        }
    }

    /// The highest visible position, 0 for an empty store. Lower ones may still become visible.
    public func latestPosition(in session: some PostgresSession) async throws(EventStoreError) -> Int64 {
        do throws(PostgresError) {
            return try await session.query(eventsTable.latestPosition).first?.decode(0) ?? 0
        } catch {
            throw .database(error)
        }
    }
}
