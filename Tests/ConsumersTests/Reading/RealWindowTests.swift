import EventSourcing
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Consumers

/// The window over a real table: the order of the look's statements is part of what must hold.
@Suite struct RealWindowTests {
    private static let writers = 5

    /// Draws, waits and inserts, in transactions of their own; every fifth rolls back, some insert nothing.
    private static let write = """
        DO $body$ DECLARE drawn bigint;
        BEGIN
            FOR round IN 1..250 LOOP
                drawn := nextval('$sequence');
                IF random() < 0.3 THEN PERFORM pg_sleep(random() * 0.004); END IF;
                IF random() < 0.8 THEN $insert; END IF;
                IF random() < 0.2 THEN ROLLBACK; ELSE COMMIT; END IF;
            END LOOP;
        END $body$
        """

    @Test func `beside writers that draw first and insert later, each row is read once and none is passed over`()
        async throws
    {
        try await HorizonFixture.with { fixture in
            let query = try await fixture.query()
            // Listing the writers takes milliseconds then, in which others begin: a wrong order of the statements shows.
            try await fixture.changing.query("SELECT pg_advisory_lock_shared(1, g) FROM generate_series(1, 4000) AS g")
            let write = Self.write.replacing("$insert", with: fixture.insert("global_position,", "drawn,"))
                .replacing("$events", with: fixture.events).replacing("$sequence", with: fixture.sequence)
            let writing = Task {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<Self.writers {
                        group.addTask {
                            let connection = try await fixture.test.connect()
                            try await connection.execute(script: write)
                            await connection.close()
                        }
                    }
                    try await group.waitForAll()
                }
            }
            var window = HeadWindow(released: 0)
            var read: [Int64] = []
            let done = Flag()
            let watch = Task {
                try await writing.value
                done.raise()
            }
            while true {
                let isLast = done.isRaised
                try await look(&window, &read, query, fixture)
                if isLast, !window.hasGap, window.released == window.readThrough { break }
            }
            try await watch.value
            let rows = try await fixture.changing.query(Statement("SELECT global_position FROM \(fixture.events)"))
            let there: [Int64] = try rows.map { try $0.decode(0) }
            #expect(there.count > 500)
            #expect(read.sorted() == there.sorted())
        }
    }

    /// As the reader does it, with small reads.
    private func look(
        _ window: inout HeadWindow, _ read: inout [Int64], _ query: HorizonQuery, _ fixture: HorizonFixture
    ) async throws {
        let missing = window.wanted
        var reads = [query.events.readAll(after: window.readThrough, limit: 200, bound: .none, wanted: .all)]
        if !missing.isEmpty {
            reads.append(query.events.readAll(in: missing, limit: 20, bytes: 1 << 20, wanted: .all))
        }
        let snapshot = try await query.refresh(
            HorizonQuery.Request(includesWriters: true, reads: reads), on: fixture.reading)
        let horizon = try #require(snapshot.horizon)
        window.looked(lastDrawn: horizon.lastDrawn, writers: horizon.writers)
        if !missing.isEmpty {
            let positions = try EventBatch(snapshot.reads[1]).map(\.globalPosition)
            read += positions
            window.readMissing(positions, in: missing, isCut: positions.count == 20)
        }
        let positions = try EventBatch(snapshot.reads[0]).map(\.globalPosition)
        read += positions
        let isCut = positions.count == 200
        window.readNewer(positions, through: max(isCut ? 0 : horizon.lastDrawn, positions.last ?? 0))
    }
}

/// Raised once, from any task.
private final class Flag: Sendable {
    private let state = Atomic<Bool>(false)

    func raise() { state.store(true, ordering: .releasing) }
    var isRaised: Bool { state.load(ordering: .acquiring) }
}
