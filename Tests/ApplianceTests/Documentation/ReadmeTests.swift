import Consumers
import EventSourcing
import FoundationEssentials
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Appliance

@Suite struct ReadmeTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    }

    /// The fenced blocks of a language.
    private static func blocks(_ language: String) throws -> [String] {
        try text("README.md").split(separator: "```\(language)\n", omittingEmptySubsequences: false).dropFirst().map {
            part in
            String(part.split(separator: "```", omittingEmptySubsequences: false)[0])
        }
    }

    @Test func `the Swift example of the README is the one that is compiled here`() throws {
        let example = try Self.text("Tests/ApplianceTests/Documentation/ReadmeExample.swift")
            .split(separator: "// README begins\n")[1].split(separator: "// README ends")[0]
        #expect(try Self.blocks("swift") == [String(example)])
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

    @Test func `the README's SQL appends an event, and its JSON line is one`() async throws {
        let statement = try #require(try Self.blocks("sql").first)
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.execute(script: "SET search_path = \(test.tables.godwitSchema); \(statement)")
            let events = try await test.store.readEvents(after: 0, limit: 10, in: connection)
            #expect(events.map(\.aggregateID) == ["u-2"])
            await connection.close()
        }
        let line = try #require(try Self.blocks("sh").joined().split(separator: "echo '").last)
        let json = line.prefix { $0 != "'" }.filter { $0 != "\n" }
        #expect(try EventLine.parse(json).event.aggregateID == "u-1")
    }

    @Test func `the configuration of the README is right`() throws {
        let blocks = try Self.blocks("yaml")
        #expect(blocks.count == 1)
        #expect(ConfigurationFileTests.problems(blocks[0]).isEmpty)
    }

    @Test func `the README's table of exit codes is the program's`() throws {
        let readme = try Self.text("README.md")
        for status in ExitStatus.allCases {
            #expect(readme.contains("| \(status.rawValue) | \(status.meaning) |"), "\(status)")
        }
    }

    @Test func `every file that the README links to exists`() throws {
        let links = try Self.text("README.md").split(separator: "](").dropFirst().map { $0.prefix { $0 != ")" } }
        #expect(links.count > 3)
        for link in links where !link.hasPrefix("http") {
            #expect(FileManager.default.fileExists(atPath: Self.root.appending(path: String(link)).path), "\(link)")
        }
    }
}
