import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Adopting a table with rows: what its steps keep waiting, and what becomes of what was there.
@Suite struct AdoptOnlineTests {
    private static let table = """
        CREATE TABLE outbox (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype varchar(255) NOT NULL DEFAULT 'Order',
            aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL, payload jsonb DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(), isdone boolean NOT NULL DEFAULT false);
        """

    /// Rows whose order on disk is another than that of their times.
    private static func rows(_ count: Int) -> String {
        """
        INSERT INTO outbox (aggregateid, type, created_at)
        SELECT n % 7, 'n' || n, '2024-01-01'::timestamptz + n * interval '1 s' FROM generate_series(1, \(count)) AS n
        ORDER BY md5(n::text);
        """
    }

    private func with(_ count: Int, _ body: (SourceFixture) async throws -> Void) async throws {
        try await SourceFixture.with { place in
            try await place.execute(Self.table + Self.rows(count))
            try place.configure("")
            try await body(place)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `old rows come first, in the stated order, and a role that may only insert goes on inserting`() async throws {
        try await with(12_000) { place in
            let role = "service_\(place.schema)"
            try await place.execute(
                "CREATE ROLE \(role); GRANT USAGE ON SCHEMA \(place.schema) TO \(role); GRANT INSERT (aggregateid, type) ON outbox TO \(role)"
            )
            let result: Result<Void, any Error>
            do { result = .success(try await insertAsRole(role, place)) } catch { result = .failure(error) }
            try await place.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
            try result.get()
        }
    }

    private func insertAsRole(_ role: String, _ place: SourceFixture) async throws {
        let refused = try await place.command("adopt", "\(place.schema).outbox", "--apply")
        #expect(refused.exitCode != 0 && refused.standardError.contains("--online"), "\(refused.standardError)")
        #expect(
            try await place.number(
                "SELECT count(*) FROM pg_attribute WHERE attrelid = 'outbox'::regclass AND attname = 'godwit_position'")
                == 0)
        async let adopting = place.command("adopt", "\(place.schema).outbox", "--apply", "--online", "--json")
        let service = try await place.connect()
        try await service.execute(script: "SET ROLE \(role)")
        var (count, longest) = (0, Duration.zero)
        while try await place.number(
            """
            SELECT count(*) FROM pg_attribute WHERE attrelid = 'outbox'::regclass AND attname = 'godwit_position'
            AND attidentity = 'd'
            """) == 0
        {
            let began = ContinuousClock.now
            try await service.execute(script: "INSERT INTO outbox (aggregateid, type) VALUES ('x', 'new\(count)')")
            longest = max(longest, ContinuousClock.now - began)
            count += 1
            try await Task.sleep(for: .milliseconds(3))
        }
        try await service.execute(script: "INSERT INTO outbox (aggregateid, type) VALUES ('x', 'new\(count)')")
        let adopted = try await adopting
        #expect(adopted.exitCode == 0, "\(adopted.standardError)")
        #expect(count > 3 && longest < .seconds(2), "\(count) inserts, the longest took \(longest)")
        // By time, the old ones before the new ones.
        #expect(
            try await place.number(
                """
                SELECT count(*) FROM (SELECT created_at, lag(created_at) OVER (ORDER BY godwit_position) AS before FROM outbox) AS r
                WHERE created_at < before
                """) == 0)
        #expect(try await place.number("SELECT count(*) FROM outbox WHERE godwit_position IS NULL") == 0)
        #expect(
            try await place.number(
                "SELECT max(godwit_position) FROM outbox WHERE type LIKE 'n_%' AND type NOT LIKE 'new%'") == 12_000)
        #expect(try await place.number("SELECT min(godwit_position) FROM outbox WHERE type LIKE 'new%'") > 12_000)
        await service.close()
        #expect(
            try await place.number(
                "SELECT count(*) FROM pg_class WHERE relname LIKE 'adoption_%' AND relnamespace = '\(place.schema)'::regnamespace"
            ) == 0)
    }

    @Test(.timeLimit(.minutes(3)))
    func `an adoption that is killed goes on with the next, and no relay starts in between`() async throws {
        try await with(60_000) { place in
            let adopting = try Command.godwit(
                "adopt", "\(place.schema).outbox", "--apply", "--online",
                environment: ["GODWIT_CONFIG": place.folder.path + "/godwit.yaml"]
            ).start()
            // Another session holds a row meanwhile, which must not come out of order.
            let holder = try await place.connect()
            try await eventually("no row is numbered") {
                try await place.number(
                    "SELECT count(*) FROM pg_attribute WHERE attrelid = 'outbox'::regclass AND attname = 'godwit_position'"
                ) == 1
            }
            try await holder.execute(script: "BEGIN; UPDATE outbox SET isdone = true WHERE type = 'n59999'")
            try await eventually("no row is numbered") {
                try await place.number("SELECT count(*) FROM outbox WHERE godwit_position IS NOT NULL") > 0
            }
            adopting.send(SIGKILL)
            _ = await adopting.result()
            let shown = try await place.command("adopt", "\(place.schema).outbox", "--json")
            guard case .string(let source)? = try JSONParser.parse(shown.standardOutput)["configuration"] else {
                Issue.record("no configuration: \(shown.standardError)")
                return
            }
            try place.configure(source)
            try await place.migrate()
            let doctor = try await place.command("doctor")
            #expect(doctor.exitCode != 0 && doctor.standardOutput.contains("may be NULL"), "\(doctor.standardOutput)")
            let relay = try place.run()
            #expect(await relay.waitForError("may be NULL"))
            async let going = place.command("adopt", "\(place.schema).outbox", "--apply", "--online")
            try await Task.sleep(for: .milliseconds(300))
            try await holder.execute(script: "COMMIT")
            let adopted = try await going
            #expect(adopted.exitCode == 0, "\(adopted.standardError)")
            #expect(
                try await place.number("SELECT count(*) FROM outbox WHERE 'n' || godwit_position <> type") == 0)
            let records = try await place.receive(60_000, within: .seconds(90))
            #expect(records.eventIDs.count == 60_000)
            try await place.stop(relay)
            await holder.close()
        }
    }
}
