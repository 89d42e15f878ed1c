import LocalPostgres
import Postgres
import TestSupport
import Testing

extension WorldChangeTests {
    /// By default inserts wake the relay by the trigger that `godwit migrate` made, as long as it is there.
    @Suite(.serialized) struct NotifyTriggers {
        /// So rarely does anything else wake the relay that a test would end before.
        private static let notifiedOnly = [
            "GODWIT_NOTIFY_MODE": "auto", "GODWIT_WORKER_POLL_INTERVAL": "1h", "GODWIT_NOTIFY_FALLBACK_INTERVAL": "1h",
        ]
        /// Nothing but heartbeats shows a relay that the trigger is gone.
        private static let polling = notifiedOnly.merging(["GODWIT_WORKER_POLL_INTERVAL": "20ms"]) { $1 }

        private func with(_ settings: [String: String], _ body: (WorldFixture) async throws -> Void) async throws {
            var options = LocalPostgres.Options()
            options.maxPreparedTransactions = 0
            try await WorldFixture.with(options) { world in
                world.configure(settings)
                try await body(world)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a foreign writer's inserts wake a relay that nothing was configured for`() async throws {
            try await with(Self.notifiedOnly) { world in
                try world.startRelay()
                for _ in 1...5 {
                    try await world.append(3)
                    try await world.expectEverythingDelivered()
                }
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a trigger that is dropped, disabled or left behind by a swap is noticed, and the relay polls`()
            async throws
        {
            let changes = [
                "DROP TRIGGER godwit_notify ON events", "ALTER TABLE events DISABLE TRIGGER godwit_notify",
                TableSwaps.swap,
            ]
            for change in changes {
                try await with(Self.polling) { world in
                    try world.startRelay()
                    try await world.append(3)
                    try await world.expectEverythingDelivered()
                    try await world.change(change)
                    try await world.append(3)
                    try await world.expectEverythingDelivered()
                    try await world.expectLog(naming: "inserts do not notify")
                    try await world.append(3)
                    try await world.expectEverythingDelivered()
                }
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a trigger that is installed under a running relay wakes it from then on`() async throws {
            try await with(Self.polling) { world in
                try await world.execute("DROP TRIGGER godwit_notify ON events")
                try world.startRelay()
                try await world.expectLog(naming: "inserts do not notify")
                let doctor = try await world.godwit("doctor")
                #expect(doctor.standardOutput.contains("godwit migrate --notify-trigger install"))
                try await world.migrate("--notify-trigger", "install")
                try await eventually("the relay does not ask for notifications") {
                    try await world.number("SELECT count(*) FROM godwit.notify_requests") > 0
                }
                try await world.append(3)
                try await world.expectEverythingDelivered()
                #expect(try await world.godwit("doctor").standardOutput.contains("relays are woken by NOTIFY"))
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a disabled trigger is enabled by installing it, and partitions are polled`() async throws {
            try await with(Self.polling) { world in
                let enabled = "SELECT count(*) FROM pg_trigger WHERE tgname = 'godwit_notify' AND tgenabled = 'A'"
                #expect(try await world.number(enabled) == 1)
                try await world.execute("ALTER TABLE events DISABLE TRIGGER godwit_notify")
                try await world.migrate("--notify-trigger", "install")
                #expect(try await world.number(enabled) == 1)
                try await world.execute("SELECT setval('events_global_position_seq', 20)")
                try await world.execute(TableSwaps.partitionedByPosition())
                try await world.migrate("--notify-trigger", "install")
                try world.startRelay()
                try await world.expectLog(naming: "the events table has partitions")
                let writer = try await world.session()
                try await writer.insert(3, into: "events_next", at: nil)
                try await world.expectEverythingDelivered()
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `without the dispatcher the relay looks by itself`() async throws {
            try await with(Self.polling.merging(["GODWIT_WORKER_DISPATCHER": "false"]) { $1 }) { world in
                try world.startRelay()
                try await world.append(3)
                try await world.expectEverythingDelivered()
                #expect(try await world.number("SELECT count(*) FROM godwit.notify_requests") == 0)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `where transactions may be prepared nobody is notified`() async throws {
            try await WorldFixture.with { world in
                world.configure(Self.polling)
                try world.startRelay()
                try await world.expectLog(naming: "max_prepared_transactions")
                let writer = try await world.session()
                try await writer.execute(script: "BEGIN")
                try await writer.insert()
                try await writer.execute(script: "PREPARE TRANSACTION 'shop'")
                try await writer.execute(script: "COMMIT PREPARED 'shop'")
                try await world.expectEverythingDelivered()
                #expect(try await world.number("SELECT count(*) FROM godwit.notify_requests") == 0)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `installing the trigger again leaves it alone, and replacing it keeps no insert waiting`() async throws {
            try await with(Self.polling) { world in
                let oid = "SELECT oid::bigint FROM pg_trigger WHERE tgname = 'godwit_notify'"
                let before = try await world.number(oid)
                let reader = try await world.session("reader")
                try await reader.execute(script: "BEGIN; SELECT count(*) FROM events")
                try await world.migrate("--notify-trigger", "install")
                try await world.migrate()
                #expect(try await world.number(oid) == before)

                // Another channel needs another trigger, which has to wait for the reader.
                async let replaced: Void = {
                    world.configure(["GODWIT_NOTIFY_CHANNEL": "other"])
                    try await world.migrate("--notify-trigger", "install")
                }()
                let writer = try await world.session()
                try await writer.execute(script: "SET lock_timeout = '2s'")
                for _ in 1...20 {
                    try await writer.insert()
                    try await Task.sleep(for: .milliseconds(50))
                }
                try await reader.execute(script: "COMMIT")
                try await replaced
                #expect(try await world.number(oid) != before)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a table that was there before gets no trigger unasked`() async throws {
            try await with(Self.polling) { world in
                // As pupsourcing leaves its tables.
                try await world.execute("DROP SCHEMA godwit CASCADE")
                #expect(try await world.number("SELECT count(*) FROM pg_trigger WHERE tgname = 'godwit_notify'") == 0)
                let migrated = try await world.godwit("migrate")
                #expect(migrated.exitCode == 0, "\(migrated.standardError)")
                #expect(migrated.standardOutput.contains("godwit migrate --notify-trigger install"))
                #expect(try await world.number("SELECT count(*) FROM pg_trigger WHERE tgname = 'godwit_notify'") == 0)
                try await world.migrate("--notify-trigger", "install")
                #expect(try await world.number("SELECT count(*) FROM pg_trigger WHERE tgname = 'godwit_notify'") == 1)
            }
        }
    }
}
