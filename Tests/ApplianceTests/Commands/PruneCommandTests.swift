import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `prune` and `retire` as commands, and relays that remove by themselves.
@Suite struct PruneCommandTests {
    private let outbox = [
        "GODWIT_SOURCE_KIND": "outbox", "GODWIT_SOURCE_RETENTION_DELIVERED_FOR": "1h",
    ]

    private func count(_ place: RelayFixture) async throws -> Int64 {
        let connection = try await place.test.connect()
        let rows = try await connection.query(Statement("SELECT count(*) FROM \(place.test.tables.events.sql)"))
        await connection.close()
        return try rows.first?.decode(0) ?? -1
    }

    private func age(_ place: RelayFixture) async throws {
        let connection = try await place.test.connect()
        try await connection.execute(
            script: "UPDATE \(place.test.tables.godwitSchema).delivered_positions SET at = at - interval '2 hours'")
        await connection.close()
    }

    @Test func `of an event store nothing is removed, and without an age neither`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(3)
            let store = try await place.command("prune")
            #expect(store.exitCode == 78)
            #expect(store.standardError.contains("is an event store"))
            #expect(store.standardError.contains("source.kind: outbox"))
            let ageless = try await place.command("prune", more: ["GODWIT_SOURCE_KIND": "outbox"])
            #expect(ageless.exitCode == 78)
            #expect(ageless.standardError.contains("source.retention.delivered_for"))
            let mixed = try await place.command(
                "prune", more: ["GODWIT_SOURCE_RETENTION_DELIVERED_FOR": "7d"])
            #expect(mixed.exitCode == 78)
            #expect(mixed.standardError.contains("event store"))
            #expect(try await place.command("prune", "--own-tables").exitCode == 0)
            #expect(try await count(place) == 3)
        }
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            "TRUNCATE %s RESTART IDENTITY",
            "ALTER TABLE %s RENAME TO former; CREATE TABLE %s (LIKE former INCLUDING ALL)",
        ])
    func `rows of a log that relays refuse are not removed`(_ change: String) async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(20)
            #expect(try await place.command("catch-up", "identity", more: outbox).exitCode == 0)
            #expect(try await place.command("prune", more: outbox).exitCode == 0)
            try await age(place)
            // New events at the positions that the consumer has passed.
            let connection = try await place.test.connect()
            let table = place.test.tables.events.sql
            try await connection.execute(script: "SET search_path = \(place.test.tables.events.schema)")
            for statement in change.replacing("%s", with: "events").split(separator: ";") {
                try await connection.execute(script: String(statement))
            }
            try await connection.execute(
                script: """
                    INSERT INTO \(table) (global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version,
                        event_id, event_type, payload)
                    SELECT g, 'Identity', 'User', 'new-' || g, 1, gen_random_uuid(), 'Registered', '{}'
                    FROM generate_series(1, 15) AS g
                    """)
            await connection.close()
            let before = try await count(place)
            for arguments in [["prune"], ["prune", "--dry-run"]] {
                var command = Command.godwit(environment: place.variables.merging(outbox) { $1 })
                command.arguments = arguments
                let result = try await command.run()
                #expect(result.exitCode != 0, "\(result.standardOutput)\(result.standardError)")
            }
            #expect(try await count(place) == before && before == 15)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a consumer that is new in the configuration keeps what it has to begin with`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(20)
            #expect(try await place.command("catch-up", "identity", more: outbox).exitCode == 0)
            #expect(try await place.command("prune", more: outbox).exitCode == 0)
            try await age(place)
            let new = outbox.merging(["GODWIT_CONSUMERS_NEW_TOPIC": "new"]) { $1 }
            let result = try await place.command("prune", more: new)
            #expect(
                result.exitCode == 0
                    && result.standardOutput.contains("consumer new is registered and was never started"))
            #expect(try await count(place) == 20)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what is delivered goes, a consumer that has not begun keeps it, and every surface says what went`()
        async throws
    {
        try await RelayFixture.with { place in
            _ = try await place.append(10)
            // Another deployment's consumer is registered first, and begins later.
            let migrated = try await place.command(
                "migrate", more: ["GODWIT_CONSUMERS_LATER_TOPIC": place.topic])
            #expect(migrated.standardOutput.contains("registered identity, later"), "\(migrated)")
            let caughtUp = try await place.command("catch-up", "identity", more: outbox)
            #expect(caughtUp.exitCode == 0, "\(caughtUp.standardError)")
            let held = try await place.command("prune", more: outbox)
            #expect(held.exitCode == 0, "\(held.standardError)")
            #expect(held.standardOutput.contains("consumer later is registered and was never started"))
            #expect(try await place.command("status", more: outbox).standardOutput.contains("kept: consumer later"))

            let dry = try await place.command("retire", "later", "--dry-run")
            #expect(dry.standardOutput.contains("its registration; it was never started"), "\(dry)")
            #expect(try await place.command("retire", "later").exitCode == 0)
            let unknown = try await place.command("retire", "later")
            #expect(unknown.exitCode == 64)
            #expect(unknown.standardError.contains("there are: identity"))

            #expect(try await place.command("prune", more: outbox).exitCode == 0)
            try await age(place)
            let planned = try await place.command("prune", "--dry-run", more: outbox)
            #expect(planned.standardOutput.contains("would remove 10 rows"), "\(planned)")
            #expect(try await count(place) == 10)
            let pruned = try await place.command("prune", "--json", more: outbox)
            let report = try JSONParser.parse(pruned.standardOutput)
            #expect(report["rows"] == 10)
            #expect(report["pruned"]?["through_position"] == 10)
            #expect(try await count(place) == 0)

            #expect(
                try await place.command("status", more: outbox).standardOutput
                    .contains("retention: rows up to position 10 were removed by retention"))
            let verified = try await place.command("verify", "--consumer", "identity")
            #expect(verified.exitCode == 5, "\(verified)")
            #expect(verified.standardOutput.contains("rows up to position 10 were removed by retention"))
            #expect(verified.standardOutput.contains("no event is left in this range"), "\(verified)")
            // Asked for, it is not called empty.
            let gone = try await place.command("verify", "--consumer", "identity", "--from-position", "2")
            #expect(gone.exitCode == 6, "\(gone)")
            let shown = try await place.command("preview", "--consumer", "identity", "--position", "4")
            #expect(shown.standardError.contains("were removed by retention"), "\(shown)")
            let again = try await place.command(
                "republish", "--job", "again", "--consumer", "identity", "--from-position", "3")
            #expect(again.exitCode == 64)
            #expect(again.standardError.contains("give --from-position 11, or a later one"), "\(again)")

            // What is there is compared, and what is not is not called fine.
            _ = try await place.append(5, from: 10)
            #expect(try await place.command("catch-up", "identity", more: outbox).exitCode == 0)
            let rest = try await place.command("verify", "--consumer", "identity")
            #expect(rest.exitCode == 0, "\(rest)")
            #expect(rest.standardOutput.contains("what is removed was not looked at"))
            let asked = try await place.command("verify", "--consumer", "identity", "--from-position", "1")
            #expect(asked.exitCode == 6, "\(asked)")

            // A new consumer is told what it does not get.
            let new = try await place.command(
                "catch-up", "later", more: outbox.merging(["GODWIT_CONSUMERS_LATER_TOPIC": place.topic]) { $1 })
            #expect(new.exitCode == 0, "\(new)")
            #expect(new.standardError.contains("rows up to position 10 were removed by retention"), "\(new)")
            let status = try await place.command("status", more: ["GODWIT_CONSUMERS_LATER_TOPIC": place.topic])
            #expect(status.standardOutput.contains("later: began without rows up to position 10"), "\(status)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a relay removes by itself what it has delivered, and stops with it`() async throws {
        try await RelayFixture.with { place in
            let relay = try place.run(
                outbox.merging([
                    "GODWIT_SOURCE_RETENTION_DELIVERED_FOR": "1s", "GODWIT_SOURCE_RETENTION_INTERVAL": "200ms",
                ]) { $1 })
            let ids = try await place.append(40)
            _ = try await place.receive(ids)
            try await eventually("the rows are removed") { try await count(place) == 0 }
            let served = try await place.command("retire", "identity")
            #expect(served.exitCode == 31, "\(served)")
            #expect(served.standardError.contains("is served by"))
            relay.send(15)
            #expect(await relay.result().exitCode == 0)
            // It goes on from where it was.
            let more = try await place.append(5, from: 40)
            #expect(try await place.command("catch-up", "identity", more: outbox).exitCode == 0)
            #expect(try await place.receive(ids.union(more)).count == 45)
            let retired = try await place.command("retire", "identity")
            #expect(retired.exitCode == 0, "\(retired)")
            #expect(retired.standardOutput.contains("the configuration at hand still has the consumer"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what was removed before a consumer had it is reported everywhere, until an operator accepts it`() async throws
    {
        try await RelayFixture.with { place in
            _ = try await place.append(10)
            #expect(try await place.command("catch-up", "identity", more: outbox).exitCode == 0)
            #expect(try await place.command("prune", more: outbox).exitCode == 0)
            try await age(place)
            #expect(try await place.command("prune", more: outbox).exitCode == 0)
            _ = try await place.append(2, from: 10)
            let connection = try await place.test.connect()
            try await connection.execute(script: "UPDATE \(place.test.tables.consumerSegments.sql) SET checkpoint = 4")
            await connection.close()
            let words = "6 positions were removed by retention before identity had them, 5 to 10"
            func check(_ when: String) async throws {
                let status = try await place.command("status", more: outbox)
                #expect(status.exitCode == 4 && status.standardOutput.contains(words), "\(when): \(status)")
                #expect(status.standardOutput.contains("[GW-REMOVED-UNDELIVERED]"), "\(status)")
                let doctor = try await place.command("doctor", "--json", more: outbox)
                #expect(doctor.exitCode == 4 && doctor.standardOutput.contains("GW-REMOVED-UNDELIVERED"), "\(doctor)")
                let verified = try await place.command("verify", "--consumer", "identity")
                #expect(verified.exitCode == 1 && verified.standardOutput.contains(words), "\(verified)")
            }
            try await check("before it goes on")
            let caughtUp = try await place.command("catch-up", "identity", more: outbox)
            #expect(caughtUp.exitCode == 0 && caughtUp.standardError.contains("they are lost to it"), "\(caughtUp)")
            try await check("after it has passed them")
            let accepted = try await place.command(
                "accept-source", "--consumer", "identity", "--keep-checkpoints", "--yes", more: outbox)
            #expect(accepted.exitCode == 0 && accepted.standardOutput.contains("goes on without"), "\(accepted)")
            let status = try await place.command("status", more: outbox)
            #expect(!status.standardOutput.contains("REMOVED"), "\(status)")
            #expect(try await place.command("verify", "--consumer", "identity").exitCode == 0)
        }
    }
}
