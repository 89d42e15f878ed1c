import Consumers
import EventSourcing
import FoundationEssentials
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Appliance

@Suite struct ReadmeTests {
    private static var readme: Document {
        get throws { try Document("README.md") }
    }

    @Test func `the Swift example of the README is the one that is compiled here`() throws {
        let example = try Document.text("Tests/ApplianceTests/Documentation/ReadmeExample.swift")
            .split(separator: "// README begins\n")[1].split(separator: "// README ends")[0]
        #expect(try Self.readme.blocks.filter { $0.language == "swift" }.map(\.content) == [String(example)])
    }

    @Test(.timeLimit(.minutes(5)))
    func `the Swift example appends, and its consumer is handed the event`() async throws {
        try await TestStore.with { test in
            let pool = ConnectionPool(try test.configuration, size: 1)
            let source = EventSource(try test.configuration, tables: test.tables)
            try await register("u-1", in: pool, test.store)
            await #expect(throws: EventStoreError.self) { try await register("u-1", in: pool, test.store) }
            let (mails, sender) = AsyncStream.makeStream(of: String.self)
            let sending = Task { try await sendWelcomeMails(from: source) { sender.yield($0.aggregateID) } }
            for await mail in mails {
                #expect(mail == "u-1")
                break
            }
            sending.cancel()
            _ = await sending.result
            await source.close()
            await pool.close()
        }
    }
}
