import Postgres
import TestSupport
import Testing

extension WorldChangeTests {
    /// The sequence begins anew, or no longer counts as the relay relies on.
    @Suite(.serialized) struct SequenceChanges {
        /// Fewer and more new events than there were before, in the transaction that empties the table.
        @Test(.timeLimit(.minutes(3)), arguments: [5, 40])
        func `a table that is truncated with its identity restarted is refused by name, with the way out`(
            _ count: Int
        ) async throws {
            try await WorldFixture.withFlowing { world in
                try await Self.truncate(world, thenInsert: count)
                try await world.expectRefusal(
                    naming: "events_global_position_seq", "sequence", checkpointAtMost: WorldFixture.delivered)
                try await world.expectStatus(naming: "accept-source")
            }
        }

        static func truncate(_ world: WorldFixture, thenInsert count: Int) async throws {
            world.beginChange()
            let session = try await world.session()
            try await session.execute(script: "BEGIN; TRUNCATE events RESTART IDENTITY")
            try #require(try await session.insert(count).first == 1)
            try await session.execute(script: "COMMIT")
        }

        @Test(.timeLimit(.minutes(3)))
        func `a sequence that is set back is refused by name`() async throws {
            try await WorldFixture.withFlowing { world in
                try await world.change(
                    """
                    DELETE FROM events WHERE global_position > 10;
                    SELECT setval('events_global_position_seq', 10)
                    """)
                try await world.append(5)
                try await world.expectRefusal(
                    naming: "events_global_position_seq", "sequence", checkpointAtMost: WorldFixture.delivered)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `sessions that draw ahead are refused by name and nothing is passed over, and CACHE 1 is the way on`()
            async throws
        {
            try await WorldFixture.withFlowing { world in
                try await world.change("ALTER SEQUENCE events_global_position_seq CACHE 20")
                let writers = [try await world.session("first"), try await world.session("second")]
                for writer in writers { try await writer.insert() }
                try await world.letRelayLook(orLog: "cache")
                for _ in 0..<4 {
                    for writer in writers { try await writer.insert() }
                }
                // What came in order before the look that refused may be delivered.
                try await world.expectRefusal(naming: "cache", checkpointAtMost: 60)
                try await world.expectNothingPassedOver()

                try await world.execute("ALTER SEQUENCE events_global_position_seq CACHE 1")
                for writer in writers { await writer.close() }
                try await world.append(5)
                // It may go on by itself, or ask first.
                if try await !world.recovers(within: .seconds(10)) {
                    let accepted = try await world.godwit("accept-source", "--yes")
                    #expect(accepted.exitCode == 0, "\(accepted.standardError)")
                }
                try await world.expectEverythingDelivered()
            }
        }

        struct Change: Sendable, CustomTestStringConvertible {
            let sql: String
            /// One of these is in the log and in `status`.
            let words: (String, String)
            var testDescription: String { sql }
        }

        @Test(
            .timeLimit(.minutes(3)),
            arguments: [
                Change(
                    sql: "ALTER SEQUENCE events_global_position_seq INCREMENT 2", words: ("increment", "count up")),
                Change(sql: "ALTER SEQUENCE events_global_position_seq CYCLE", words: ("cycle", "cycle")),
                Change(
                    sql: """
                        CREATE SEQUENCE other_seq START 1000; \
                        ALTER TABLE events ALTER global_position SET DEFAULT nextval('other_seq')
                        """, words: ("other_seq", "default")),
            ])
        func `positions that no longer count up from the table's own sequence are refused by name`(
            _ change: Change
        ) async throws {
            try await WorldFixture.withFlowing { world in
                try await world.change(change.sql)
                try await world.append(5)
                try await world.expectRefusal(
                    naming: change.words.0, change.words.1, checkpointAtMost: WorldFixture.delivered)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `an event that was inserted far above the sequence is refused by name`() async throws {
            try await WorldFixture.withFlowing { world in
                world.beginChange()
                let session = try await world.session("by hand")
                try await session.insert(at: 1_000_000)
                try await world.append(5)
                try await world.expectRefusal(
                    naming: "1000000", "1,000,000", "events_global_position_seq", checkpointAtMost: 999_999)
                try await world.expectNothingPassedOver()
            }
        }
    }
}
