import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

@Suite struct CopyTriggerTests {
    @Test(.timeLimit(.minutes(2)))
    func `rows that are deleted right after the insert are copied, in order, by a role without rights on the copies`()
        async throws
    {
        try await SourceFixture.with { place in
            try place.configure("")
            try await place.migrate()
            try await place.execute(
                """
                CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text NOT NULL,
                    type text NOT NULL, payload jsonb, headers text)
                """)
            let made = try await place.command("adopt", "\(place.schema).outbox", "--copy", "--apply")
            #expect(made.exitCode == 0, "\(made.standardOutput)\(made.standardError)")
            let relay = try place.run()
            let role = "service_\(place.schema)"
            try await place.execute(
                "CREATE ROLE \(role); GRANT USAGE ON SCHEMA \(place.schema) TO \(role); GRANT ALL ON outbox TO \(role)")
            do {
                let service = try await place.connect()
                try await service.execute(script: "SET ROLE \(role)")
                for number in 1...10 {
                    try await service.execute(
                        script: """
                            INSERT INTO outbox VALUES (gen_random_uuid(), 'Order', 'a\(number % 2)', 'n\(number)',
                                '{"n": \(number)}', 'no JSON');
                            DELETE FROM outbox
                            """)
                }
                await service.close()
                let records = try await place.receive(10)
                #expect(records.isInOrder && records.eventIDs.count == 10)
                let types = records.filter { $0.header("aggregate_id") == "a1" }.compactMap { $0.header("event_type") }
                #expect(types == ["n1", "n3", "n5", "n7", "n9"])
            } catch {
                try await place.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
                throw error
            }
            try await place.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
            try await place.stop(relay)
        }
    }
}
