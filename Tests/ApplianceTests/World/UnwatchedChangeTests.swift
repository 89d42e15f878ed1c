import Postgres
import TestSupport
import Testing

extension WorldChangeTests {
    /// The change happens while no relay runs; the next one must know.
    @Suite(.serialized) struct UnwatchedChanges {
        private func withStopped(_ body: (WorldFixture) async throws -> Void) async throws {
            try await WorldFixture.withFlowing { world in
                try await world.stopRelay()
                try await body(world)
            }
        }

        @Test(.timeLimit(.minutes(3)), arguments: [5, 40])
        func `a table that was truncated with its identity restarted is refused by name`(_ count: Int) async throws {
            try await withStopped { world in
                try await SequenceChanges.truncate(world, thenInsert: count)
                try world.startRelay()
                try await world.expectRefusal(
                    naming: "events_global_position_seq", "sequence", checkpointAtMost: WorldFixture.delivered)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a sequence that was set back is refused by name`() async throws {
            try await withStopped { world in
                try await world.execute(
                    """
                    DELETE FROM events WHERE global_position > 10;
                    SELECT setval('events_global_position_seq', 10)
                    """)
                try await world.append(5)
                try world.startRelay()
                try await world.expectRefusal(
                    naming: "events_global_position_seq", "sequence", checkpointAtMost: WorldFixture.delivered)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a new table in place of the old is read on`() async throws {
            try await withStopped { world in
                try await world.execute(TableSwaps.swap)
                try await world.append(5)
                try world.startRelay()
                try await world.appendOverlapping()
                try await world.expectEverythingDelivered(in: "events_old", "events")
            }
        }
    }
}
