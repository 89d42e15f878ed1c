import EventSourcing
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `adopt` where it was done before, is being done, or may not be done.
@Suite struct AdoptAgainTests {
    private let outbox = """
        CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
            aggregateid text NOT NULL, type text NOT NULL, payload jsonb)
        """

    @Test(.timeLimit(.minutes(1)))
    func `an empty table is adopted once, and a second time nothing is changed`() async throws {
        try await SourceFixture.with { place in
            try await place.execute(outbox)
            try place.configure("")
            let first = try await place.command("adopt", "\(place.schema).outbox", "--apply")
            #expect(first.exitCode == 0, "\(first)")
            let second = try await place.command("adopt", "\(place.schema).outbox", "--apply")
            #expect(second.exitCode == 0 && second.standardError.contains("a source already"), "\(second)")
            #expect(second.standardOutput.contains("needs no change"), "\(second)")
            let copied = try await place.command("adopt", "\(place.schema).outbox", "--copy")
            #expect(copied.standardOutput.contains("CREATE SCHEMA IF NOT EXISTS"), "\(copied)")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `two at once do not meet, and who does not own the table is told what to do`() async throws {
        try await SourceFixture.with { place in
            try await place.execute(outbox)
            try place.configure("")
            let other = try await place.connect()
            #expect(try await Adoption(other).claim(TableName("\(place.schema).outbox")))
            let refused = try await place.command("adopt", "\(place.schema).outbox", "--apply")
            #expect(refused.exitCode == 31 && refused.standardError.contains("another `godwit adopt`"), "\(refused)")
            await other.close()
            let role = "\(place.schema)_other"
            try await place.execute(
                "CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA \(place.schema) TO \(role); GRANT SELECT ON outbox TO \(role)"
            )
            try place.configure("", user: role)
            let result = try await place.command("adopt", "\(place.schema).outbox", "--apply")
            try await place.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
            #expect(result.exitCode == 13, "\(result)")
            #expect(result.standardError.contains("does not own \(place.schema).outbox"), "\(result)")
            #expect(result.standardError.contains("have the owner run the statements"), "\(result)")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `what is printed needs nothing that is not there, and an order by random ids is warned of`() async throws {
        try await SourceFixture.with { place in
            try await place.execute(outbox)
            try await place.execute("INSERT INTO outbox SELECT gen_random_uuid(), 'a', 'b', 'c', '{}'")
            try place.configure("")
            let printed = try await place.command("adopt", "\(place.schema).outbox")
            let schema = try #require(printed.standardOutput.range(of: "CREATE SCHEMA IF NOT EXISTS"), "\(printed)")
            let work = try #require(printed.standardOutput.range(of: "CREATE TABLE"))
            #expect(schema.lowerBound < work.lowerBound)
            #expect(printed.standardOutput.contains("a uuid, which is in no order of time"), "\(printed)")
            try await place.execute("ALTER TABLE outbox ADD COLUMN created_at timestamptz DEFAULT now()")
            let ordered = try await place.command("adopt", "\(place.schema).outbox", "--order-by", "created_at")
            #expect(!ordered.standardOutput.contains("in no order of time"), "\(ordered)")
        }
    }
}
