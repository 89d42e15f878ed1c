import EventSourcing
import Postgres
import TestSupport

@testable import Consumers

/// A reading connection, and another one that changes what it reads.
struct HorizonFixture {
    let test: TestStore
    let reading: Connection
    let changing: Connection

    var events: String { test.tables.events.sql }
    /// The sequence that `bigserial` has made.
    var sequence: String { "\"\(test.tables.events.schema)\".\"\(test.tables.events.name)_global_position_seq\"" }

    static func with(_ body: (HorizonFixture) async throws -> Void) async throws {
        try await TestStore.with { test in
            let fixture = HorizonFixture(
                test: test, reading: try await test.connect(), changing: try await test.connect())
            try await fixture.reading.execute(script: EventsTable.readingSettings)
            try await body(fixture)
            await fixture.reading.close()
            await fixture.changing.close()
        }
    }

    func query() async throws(SourceError) -> HorizonQuery {
        try await HorizonQuery(test.tables.source, on: reading)
    }

    func refresh(_ query: HorizonQuery) async throws(SourceError) -> HorizonSnapshot {
        try await query.refresh(HorizonQuery.Request(includesWriters: true), on: reading)
    }

    func identity(_ query: HorizonQuery) async throws(SourceError) -> StoreIdentity {
        try query.identity(seen: await refresh(query).state)
    }

    func change(_ sql: String) async throws {
        try await changing.execute(
            script: sql.replacing("$events", with: events).replacing("$sequence", with: sequence))
    }

    /// An INSERT, up to what differs.
    func insert(_ columns: String = "", _ values: String = "") -> String {
        """
        INSERT INTO $events (\(columns) bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id,
            event_type, payload)
        SELECT \(values) 'Shop', 'Order', gen_random_uuid()::text, 1, gen_random_uuid(), 'Happened', ''
        """
    }

    /// What the reader says before and after a change: once with the query that it has, once with a new one.
    func refusals(after change: String) async throws -> [SourceError?] {
        let before = try await query()
        _ = try await identity(before)
        try await self.change(change)
        var errors: [SourceError?] = []
        do throws(SourceError) {
            _ = try await identity(before)
            errors.append(nil)
        } catch {
            errors.append(error)
        }
        do throws(SourceError) {
            _ = try await identity(query())
            errors.append(nil)
        } catch {
            errors.append(error)
        }
        return errors
    }
}
