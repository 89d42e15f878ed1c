import Postgres
import TestSupport
import Testing

@Suite struct ListenerTests {
    @Test func `notifications arrive with channel, payload and sender`() async throws {
        let database = try await TestDatabase()
        let configuration = try ConnectionConfiguration(database.url)
        let channel = database.schema + " \"quoted\""
        let listener = try await Listener.open(configuration, channels: [channel])
        let sender = try await Connection.open(configuration)
        try await sender.query("SELECT pg_notify($1, 'one'), pg_notify($1, 'two')", channel)
        var received: [Notification] = []
        while received.count < 2 {
            let next = try await listener.next(within: .seconds(20))
            try #require(!next.isEmpty, "nothing came")
            received += next
        }
        #expect(received.map(\.payload) == ["one", "two"])
        #expect(received.allSatisfy { $0.channel == channel && $0.senderPID == sender.backendPID })
        #expect(try await listener.next(within: .milliseconds(10)).isEmpty)
        await sender.close()
        await listener.close()
    }

    @Test func `cancelling ends the wait, and the loss of the connection is told`() async throws {
        let configuration = try await ConnectionConfiguration(TestPostgres.shared.url())
        let listener = try await Listener.open(configuration, channels: ["quiet"])
        let waiting = Task { try await listener.next(within: .seconds(3600)) }
        waiting.cancel()
        let error = await #expect(throws: PostgresError.self) { try await waiting.value }
        #expect(error?.code == .cancelled)

        let killer = try await Connection.open(configuration)
        try await killer.query("SELECT pg_terminate_backend($1)", listener.backendPID)
        let lost = await #expect(throws: PostgresError.self) { try await listener.next(within: .seconds(20)) }
        #expect(lost?.code == .connectionLost)
        await killer.close()
    }
}
