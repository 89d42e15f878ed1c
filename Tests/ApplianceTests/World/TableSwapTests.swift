import Postgres
import TestSupport
import Testing

extension WorldChangeTests {
    /// Another table takes the name of the events, or part of it changes places.
    @Suite(.serialized) struct TableSwaps {
        /// A new table that draws from the same sequence.
        static let swap = """
            BEGIN;
            ALTER TABLE events RENAME TO events_old;
            CREATE TABLE events (LIKE events_old INCLUDING ALL);
            ALTER SEQUENCE events_global_position_seq OWNED BY events.global_position;
            COMMIT
            """

        /// A partitioned table that takes the name: the old table becomes its partition up to position 20, and the next begins
        /// at the position given.
        static func partitionedByPosition(nextFrom next: Int = 21) -> String {
            """
            BEGIN;
            ALTER TABLE events RENAME TO events_old;
            CREATE TABLE events (LIKE events_old INCLUDING DEFAULTS, PRIMARY KEY (global_position))
                PARTITION BY RANGE (global_position);
            ALTER SEQUENCE events_global_position_seq OWNED BY events.global_position;
            ALTER TABLE events ATTACH PARTITION events_old FOR VALUES FROM (MINVALUE) TO (21);
            CREATE TABLE events_next PARTITION OF events FOR VALUES FROM (\(next)) TO (MAXVALUE);
            COMMIT
            """
        }

        /// A partitioned table that takes the name, with a copy of the old events.
        static let partitionedByTime = """
            BEGIN;
            ALTER TABLE events RENAME TO events_old;
            CREATE TABLE events (LIKE events_old INCLUDING DEFAULTS, PRIMARY KEY (global_position, created_at))
                PARTITION BY RANGE (created_at);
            CREATE TABLE events_past PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
            CREATE TABLE events_present PARTITION OF events FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
            INSERT INTO events SELECT * FROM events_old;
            ALTER SEQUENCE events_global_position_seq OWNED BY events.global_position;
            COMMIT
            """

        @Test(.timeLimit(.minutes(3)))
        func `a new table in place of the old is read on, what commits late included, and the log says so`()
            async throws
        {
            try await WorldFixture.withFlowing { world in
                try await world.change(Self.swap)
                try await world.appendOverlapping()
                try await world.expectEverythingDelivered(in: "events_old", "events")
                try await world.expectLog(naming: "anew", "another table", "new table", "replaced", "swapped")
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a table partitioned by position, with the old one attached, is read on, what commits late included`()
            async throws
        {
            try await WorldFixture.withFlowing { world in
                try await world.change(Self.partitionedByPosition())
                try await world.appendOverlapping()
                try await world.expectEverythingDelivered()
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a table partitioned by time, with a copy of the old one, is read on, what commits late included`()
            async throws
        {
            try await WorldFixture.withFlowing { world in
                try await world.change(Self.partitionedByTime)
                try await world.appendOverlapping()
                try await world.expectEverythingDelivered()
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a partition that is made, filled and attached in one transaction is delivered`() async throws {
            try await WorldFixture.withFlowing(
                prepare: { try await $0.execute(Self.partitionedByPosition(nextFrom: 26)) }
            ) { world in
                let builder = try await world.session("builder")
                try await builder.execute(script: "BEGIN; CREATE TABLE events_side (LIKE events INCLUDING DEFAULTS)")
                try #require(try await builder.insert(5, into: "events_side") == [21, 22, 23, 24, 25])
                try await world.append(10)
                try await world.letRelayLook()
                try await builder.execute(
                    script: "ALTER TABLE events ATTACH PARTITION events_side FOR VALUES FROM (21) TO (26); COMMIT")
                try await world.append(5)
                try await world.expectEverythingDelivered()
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a partition that is attached with committed events at positions already passed is refused by name`()
            async throws
        {
            try await WorldFixture.withFlowing(
                prepare: { try await $0.execute(Self.partitionedByPosition(nextFrom: 26)) }
            ) { world in
                let builder = try await world.session("builder")
                try await builder.execute(script: "CREATE TABLE events_early (LIKE events INCLUDING DEFAULTS)")
                try #require(try await builder.insert(5, into: "events_early") == [21, 22, 23, 24, 25])
                try await world.append(10)
                try await world.waitForCheckpoint(35)
                try await world.change("ALTER TABLE events ATTACH PARTITION events_early FOR VALUES FROM (21) TO (26)")
                try await world.append(5)
                try await world.expectRefusal(naming: "events_early", "partition", checkpointAtMost: 35)
            }
        }
    }
}
