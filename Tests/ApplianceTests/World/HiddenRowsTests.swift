import Postgres
import TestSupport
import Testing

extension WorldChangeTests {
    /// The relay's role no longer sees all events.
    @Suite(.serialized) struct HiddenRows {
        private static let policy = """
            ALTER TABLE events ENABLE ROW LEVEL SECURITY;
            CREATE POLICY no_hidden ON events USING (bounded_context <> 'Hidden')
            """

        /// A role with the grants of `godwit migrate` and nothing more: a superuser sees every row.
        private func restrict(_ world: WorldFixture) async throws {
            try await world.migrate("--grants", "relay")
            try await world.execute("ALTER ROLE relay NOSUPERUSER")
        }

        private func appendHidden(_ world: WorldFixture) async throws {
            let session = try await world.session()
            try await session.insert(context: "Hidden")
            try await world.append(5)
        }

        @Test(.timeLimit(.minutes(3)))
        func `a policy that begins to hide rows from the relay is refused by name`() async throws {
            try await WorldFixture.withFlowing(prepare: restrict) { world in
                try await world.change(Self.policy)
                try await appendHidden(world)
                try await world.expectRefusal(
                    naming: "row-level security", "row level security", "row security", "row_security",
                    checkpointAtMost: WorldFixture.delivered)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a policy that hides rows from the start is refused by name`() async throws {
            try await WorldFixture.with { world in
                try await restrict(world)
                try await world.execute(Self.policy)
                try await appendHidden(world)
                try world.startRelay()
                try await world.expectRefusal(
                    naming: "row-level security", "row level security", "row security", "row_security",
                    checkpointAtMost: 0)
            }
        }
    }
}
