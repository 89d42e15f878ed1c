// The README shows what is between the marks; a test compares, and another runs it.

import Consumers
import EventSourcing
import Postgres

// README begins
/// Gets each event once it is safe to read, in order, and again after a crash.
struct WelcomeMailer: IntegrationConsumer {
    let name = "welcome-mailer"
    let scope = EventScope(boundedContexts: ["Identity"])
    let send: @Sendable (PersistedEvent) async throws -> Void

    func publish(_ batch: FeedBatch) async throws -> Publication {
        for event in batch where event.eventType == "UserRegistered" {
            try await send(event.event)
        }
        return .acknowledged
    }
}
// README ends

func register(_ userID: String, in pool: ConnectionPool, _ store: EventStore) async throws {
    try await pool.withTransaction { transaction in
        let event = Event(
            boundedContext: "Identity", aggregateType: "User", aggregateID: userID, eventType: "UserRegistered",
            payload: Array(#"{"name":"Ada"}"#.utf8))
        // In the same transaction as whatever else you write; a conflict is thrown, not overwritten.
        try await store.append([event], expecting: .noStream, in: transaction)
    }
}

func sendWelcomeMails(
    from source: EventSource, send: @escaping @Sendable (PersistedEvent) async throws -> Void
) async throws {
    // Any number of processes may run this: they share the work, and take over from one that dies.
    let worker = try Worker(source, integrations: [WelcomeMailer(send: send)])
    try await worker.run()
}
