import Consumers
import EventSourcing
import EventStoreTesting
import Postgres
import Synchronization
import TestSupport
import Testing

/// Counts events by aggregate.
private struct Counts: ScopedConsumer {
    struct Poison: Error {}

    var name = "counts"
    var boundedContexts: [String] = []
    var aggregateTypes: [String] = []
    let schema: String
    var failsAt: String?

    func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
        try await transaction.query(
            Statement("INSERT INTO \"\(schema)\".counts VALUES ($1)"), event.globalPosition)
        if event.aggregateID == failsAt { throw Poison() }
    }
}

/// The same, a batch by one statement.
private struct BatchCounts: BatchConsumer {
    let name = "batch-counts"
    let schema: String
    var failsAt: String?

    func handle(_ events: [PersistedEvent], in transaction: Transaction) async throws {
        try await transaction.query(
            Statement("INSERT INTO \"\(schema)\".counts SELECT * FROM unnest($1)"), events.map(\.globalPosition))
        if events.contains(where: { $0.aggregateID == failsAt }) { throw Counts.Poison() }
    }
}

private struct Sender: IntegrationConsumer {
    let name = "sender"
    let scope = EventScope.all
    var failsAt: String?

    func publish(_ batch: FeedBatch) async throws -> Publication {
        for event in batch where event.aggregateID == failsAt { throw Counts.Poison() }
        return .acknowledged
    }
}

@Suite struct TemporaryEventStoreTests {
    private func with(_ body: (TemporaryEventStore) async throws -> Void) async throws {
        // The process's own server, or the one that the tests are told to use.
        try await TemporaryEventStore.with(.url(TestPostgres.shared.url())) { test in
            try await test.withConnection {
                try await $0.execute(script: "CREATE TABLE \"\(test.schema)\".counts (position bigint)")
            }
            try await body(test)
        }
    }

    private func counted(_ test: TemporaryEventStore) async throws -> [Int64] {
        try await test.withConnection {
            try await $0.query(Statement("SELECT position FROM \"\(test.schema)\".counts ORDER BY 1")).map {
                try $0.decode(0)
            }
        }
    }

    private func events(_ count: Int) -> [Event] {
        (0..<count).map { .sample("user-\($0)") }
    }

    @Test func `a consumer is run until it has caught up, and accounts for each event once`() async throws {
        try await with { test in
            try await test.append(events(30))
            let account = try await test.run(Counts(schema: test.schema))
            #expect(account.positions.sorted() == Array(1...30) && account.attempts == 30)
            for segment in 0..<4 {
                let own = account.events.filter { $0.segment == segment }.map(\.globalPosition)
                #expect(own == own.sorted() && !own.isEmpty)
            }
            #expect(account.checkpoints == [0: 30, 1: 30, 2: 30, 3: 30])
            let again = try await test.run(Counts(schema: test.schema))
            #expect(again.positions.isEmpty)
            try await test.append(events(2))
            let more = try await test.run(Counts(schema: test.schema))
            #expect(more.positions.sorted() == [31, 32])
        }
    }

    @Test func `a scope is kept to`() async throws {
        try await with { test in
            try await test.append([.sample("1", context: "A"), .sample("2", context: "B"), .sample("3", context: "A")])
            var counts = Counts(schema: test.schema)
            counts.boundedContexts = ["A"]
            #expect(try await test.run(counts).positions.sorted() == [1, 3])
        }
    }

    @Test func `a failure is thrown, or is in the account with what was done all the same`() async throws {
        try await with { test in
            try await test.append(events(30))
            let poisoned = Counts(schema: test.schema, failsAt: "user-11")
            var options = WorkerOptions()
            options.totalSegments = 1
            let account = try await test.attempt(poisoned, options: options)
            #expect((account.failure as? ConsumerFailure)?.position == 12)
            #expect(account.positions == Array(1...11))
            await #expect(throws: ConsumerFailure.self) { try await test.run(poisoned, options: options) }
            let rest = try await test.run(Counts(schema: test.schema), options: options)
            #expect(rest.positions == Array(12...30))
            #expect(try await counted(test) == Array(1...30))
        }
    }

    @Test func `a batch consumer's poisoned event is found among the others`() async throws {
        try await with { test in
            try await test.append(events(100))
            var options = WorkerOptions()
            options.totalSegments = 1
            let poisoned = BatchCounts(schema: test.schema, failsAt: "user-70")
            let account = try await test.attempt(poisoned, options: options)
            #expect((account.failure as? ConsumerFailure)?.position == 71)
            #expect(account.positions == Array(1...70))
            #expect(try await counted(test) == Array(1...70))
            let rest = try await test.run(BatchCounts(schema: test.schema), options: options)
            #expect(rest.positions == Array(71...100) && rest.attempts == 30)
            #expect(try await counted(test) == Array(1...100))
        }
    }

    @Test func `an integration's events count once they are acknowledged`() async throws {
        try await with { test in
            try await test.append(events(20))
            let failing = try await test.attempt(publishing: Sender(failsAt: "user-7"))
            let failure = try #require(failing.failure as? ConsumerFailure)
            #expect(failing.events.allSatisfy { $0.segment != failure.segment || $0.globalPosition < failure.position })
            let rest = try await test.run(publishing: Sender())
            #expect((failing.positions + rest.positions).sorted() == Array(1...20))
        }
    }

    @Test func `the schema and its sessions are gone at the end, also after an error`() async throws {
        struct Stop: Error {}
        let schema = Mutex("")
        await #expect(throws: Stop.self) {
            try await with { test in
                schema.withLock { $0 = test.schema }
                _ = try await Connection.open(test.configuration)
                throw Stop()
            }
        }
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
        let name = schema.withLock { $0 }
        let found = try await connection.query("SELECT count(*) FROM pg_namespace WHERE nspname = $1", name)
        #expect(try found.first?.decode(0, as: Int.self) == 0)
        try await eventually("a session is left") {
            try await connection.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name)
                .first?.decode(0, as: Int.self) == 0
        }
        await connection.close()
    }

    @Test func `a throw-away cluster is started when none is given`() async throws {
        let positions = try await TemporaryEventStore.with { try await $0.append([.sample()]) }
        #expect(positions == [1])
    }
}
