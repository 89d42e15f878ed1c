// A worked example: a read model in SQL, kept by a scoped consumer. The test beside it shows how to test one.

import Consumers
import EventSourcing
import FoundationEssentials
import Postgres

/// What the events of an account carry.
struct Movement: Codable {
    /// In cents; negative for a withdrawal.
    let amount: Int
}

/// Keeps each account's balance in a table of its own.
///
/// The table, and the checkpoint that says how far it has come, change in one transaction: whatever happens, no event
/// counts twice and none is left out.
struct BalanceProjection: ScopedConsumer {
    let name = "balances"
    // Other events are not even read.
    let boundedContexts = ["Banking"]
    let aggregateTypes = ["Account"]
    /// The schema of the read model.
    let schema: String

    var table: String { "\"\(schema)\".account_balances" }

    func createTable(on connection: Connection) async throws {
        try await connection.execute(
            script: """
                CREATE TABLE IF NOT EXISTS \(table) (
                    account text PRIMARY KEY, balance bigint NOT NULL, movements bigint NOT NULL)
                """)
    }

    func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
        let movement = try JSONDecoder().decode(Movement.self, from: Data(event.payload))
        let statement = Statement(
            name: "add_movement",
            sql: """
                INSERT INTO \(table) AS balances VALUES ($1, $2, 1)
                ON CONFLICT (account) DO UPDATE
                SET balance = balances.balance + excluded.balance, movements = balances.movements + 1
                """)
        try await transaction.query(statement, event.aggregateID, movement.amount)
    }

    func balance(of account: String, on connection: Connection) async throws -> Int? {
        try await connection.query(Statement("SELECT balance FROM \(table) WHERE account = $1"), account)
            .first?.decode(0)
    }
}

/// Books a movement, unless the account would be overdrawn.
///
/// What was decided on a stream is appended with the version that was read: if another writer was faster, this throws
/// `EventStoreError.optimisticConcurrency`, and the caller decides anew.
func book(_ amount: Int, on account: String, in transaction: Transaction, _ store: EventStore) async throws {
    let aggregate = AggregateIdentity(boundedContext: "Banking", aggregateType: "Account", aggregateID: account)
    let stream = try await store.readStream(aggregate, in: transaction)
    let balance = try stream.events.reduce(0) { sum, event in
        sum + (try JSONDecoder().decode(Movement.self, from: Data(event.payload)).amount)
    }
    guard balance + amount >= 0 else { throw Overdrawn(account: account) }
    let event = Event(
        boundedContext: "Banking", aggregateType: "Account", aggregateID: account, eventType: "Booked",
        payload: Array(try JSONEncoder().encode(Movement(amount: amount))))
    try await store.append([event], expecting: .exact(stream.version), in: transaction)
}

struct Overdrawn: Error, Equatable {
    let account: String
}

func bookInATransaction(_ amount: Int, on account: String, _ configuration: ConnectionConfiguration) async throws {
    let store = EventStore()
    let pool = ConnectionPool(configuration)
    try await pool.withTransaction { try await book(amount, on: account, in: $0, store) }
    await pool.close()
}
