import EventSourcing
import FoundationEssentials
import Postgres
import Synchronization

/// Appends events as several services would at once: small transactions on many aggregates, some of them rolled back.
struct DemoWriters: Sendable {
    let configuration: Configuration
    let ledger: DemoLedger
    let events: Int
    let writers: Int

    /// Aggregates of each type: few enough that writers meet on them.
    private static let aggregatesPerType = 100

    /// Returns once so many events are committed.
    func run() async throws {
        let budget = Budget(max(0, events - ledger.counts.committed))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<writers { group.addTask { try await write(budget) } }
            try await group.waitForAll()
        }
    }

    /// What is left to be appended, shared by all writers.
    private final class Budget: Sendable {
        private let left: Mutex<Int>

        init(_ events: Int) { left = Mutex(events) }

        func take(_ wanted: Int) -> Int {
            left.withLock { left in
                let taken = min(left, wanted)
                left -= taken
                return taken
            }
        }

        func giveBack(_ events: Int) { left.withLock { $0 += events } }
    }

    /// Appends one event of each aggregate type, so that every topic has been written to once: what follows measures the
    /// way, not the connecting.
    func appendFirst() async throws {
        let connection = try await configuration.database.connect()
        for context in SampleConfiguration.contexts {
            for aggregate in context.aggregates {
                let events = Self.events(1, of: aggregate, in: context)
                let sent = try await connection.withTransaction { transaction in
                    try await configuration.eventStore.append(events, expecting: .any, in: transaction)
                    return ledger.now
                }
                ledger.commit(events.map(\.eventID), at: sent)
            }
        }
        await connection.close()
    }

    private struct RolledBackOnPurpose: Error {}

    private func write(_ budget: Budget) async throws {
        let store = configuration.eventStore
        let connection = try await configuration.database.connect()
        while case let count = budget.take(Int.random(in: 1...4)), count > 0 {
            let events = Self.events(count)
            let ids = events.map(\.eventID)
            do {
                let sent = try await connection.withTransaction { transaction in
                    try await store.append(events, expecting: .any, in: transaction)
                    if Int.random(in: 0..<20) == 0 { throw RolledBackOnPurpose() }
                    return ledger.now
                }
                ledger.commit(ids, at: sent)
            } catch is RolledBackOnPurpose {
                ledger.rollBack(ids)
                budget.giveBack(count)
            }
        }
        await connection.close()
    }

    /// The events of one transaction: one aggregate of a random context.
    private static func events(_ count: Int) -> [Event] {
        let context = SampleConfiguration.contexts[Int.random(in: SampleConfiguration.contexts.indices)]
        return events(count, of: context.aggregates[Int.random(in: context.aggregates.indices)], in: context)
    }

    private static func events(
        _ count: Int, of aggregate: (type: String, events: [String]), in context: SampleConfiguration.Context
    ) -> [Event] {
        let id = "\(aggregate.type.lowercased())-\(Int.random(in: 1...aggregatesPerType))"
        let correlation = UUID().uuidString.lowercased()
        return (0..<count).map { index in
            let type = aggregate.events[Int.random(in: aggregate.events.indices)]
            let payload: JSONValue = [
                "id": .string(id), "what": .string(type), "amount": .number(Int.random(in: 1...100_000)),
                "note": .string(String(repeating: "godwit ", count: Int.random(in: 5...40))),
            ]
            return Event(
                boundedContext: context.name, aggregateType: aggregate.type, aggregateID: id, eventType: type,
                payload: Array(payload.text.utf8), correlationID: correlation, metadata: #"{"source":"demo"}"#)
        }
    }
}
