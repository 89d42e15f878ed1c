import Postgres
import TestSupport
import Testing

extension WorldChangeTests {
    /// The way out of a refusal: `godwit accept-source`, beside the running relay.
    @Suite(.serialized) struct AcceptedSources {
        private func withRefusal(_ body: (WorldFixture) async throws -> Void) async throws {
            try await WorldFixture.withFlowing { world in
                try await SequenceChanges.truncate(world, thenInsert: 5)
                try await world.expectRefusal(
                    naming: "events_global_position_seq", "sequence", checkpointAtMost: WorldFixture.delivered)
                try await body(world)
            }
        }

        private func expectAudited(_ world: WorldFixture) async throws {
            #expect(try await world.number("SELECT count(*) FROM godwit.audit WHERE action LIKE '%accept%'") > 0)
        }

        @Test(.timeLimit(.minutes(3)))
        func `a refused source that is accepted goes on from its first event, and the audit has it`() async throws {
            try await withRefusal { world in
                let accepted = try await world.godwit("accept-source", "--yes")
                #expect(accepted.exitCode == 0, "\(accepted.standardError)")
                try await world.expectEverythingDelivered()
                try await world.append(5)
                try await world.expectEverythingDelivered()
                try await expectAudited(world)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a refused source that is accepted from a position leaves out what lies before it`() async throws {
            try await withRefusal { world in
                let accepted = try await world.godwit("accept-source", "--from", "3", "--yes")
                #expect(accepted.exitCode == 0, "\(accepted.standardError)")
                try await world.append(5)
                try await world.expectEverythingDelivered(where: "global_position > 3")
                let first = try await world.eventID(at: 1)
                #expect(try await !world.received().contains(first))
                try await world.waitForCheckpoint(10)
                let verified = try await world.godwit("verify", "--consumer", "shop")
                #expect(verified.exitCode == 0, "\(verified.standardOutput)")
                #expect(verified.standardOutput.contains("3 passed over"), "\(verified.standardOutput)")
                try await expectAudited(world)
            }
        }
    }
}
