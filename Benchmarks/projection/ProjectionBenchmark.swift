import Consumers
import EventSourcing
import EventStoreTesting
import Postgres

/// Measures a projection over many events, handled one by one and by the batch, and prints one JSON line for each.
///
/// Usage: `ProjectionBenchmark [EVENTS [AGGREGATES]]`. The server is a throw-away cluster without fsync.
@main
struct ProjectionBenchmark {
    static func main() async throws {
        let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let events = numbers.first ?? 1_000_000
        let aggregates = numbers.dropFirst().first ?? 1_000
        try await TemporaryEventStore.with { test in
            try await fill(test, events: events, aggregates: aggregates)
            let single = try await measure(
                test, EventByEvent(schema: test.schema, table: "event_by_event"), events: events)
            let batched = try await measure(
                test, BatchByBatch(schema: test.schema, table: "batch_by_batch"), events: events)
            try await test.withConnection { connection in
                let differing = try await connection.query(
                    """
                    SELECT count(*) FROM (TABLE \(identifier: test.schema).event_by_event
                        EXCEPT TABLE \(identifier: test.schema).batch_by_batch) AS differing
                    """
                ).first?.decode(Int.self)
                let counted = try await connection.query(
                    "SELECT sum(events)::bigint FROM \(identifier: test.schema).batch_by_batch"
                ).first?
                .decode(Int.self)
                guard differing == 0, counted == events else { throw Wrong(differing: differing, counted: counted) }
            }
            print(#"{"times as fast": \#(rounded(single / batched))}"#)
        }
    }

    /// The two projections are not the same, or do not count every event.
    struct Wrong: Error {
        let differing: Int?
        let counted: Int?
    }

    private static func fill(_ test: TemporaryEventStore, events: Int, aggregates: Int) async throws {
        var configuration = try test.configuration
        configuration.statementTimeout = .zero
        let connection = try await Connection.open(configuration)
        try await connection.query(
            """
            INSERT INTO \(test.tables.events) (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id,
                event_type, payload)
            SELECT 'Banking', 'Account', 'account-' || g % \(aggregates), g / \(aggregates) + 1, gen_random_uuid(), 'Moved',
                convert_to('{"amount": ' || g || ', "note": "a payload of some length"}', 'UTF8')
            FROM generate_series(0, \(events) - 1) AS g
            """)
        for table in ["event_by_event", "batch_by_batch"] {
            try await connection.query(
                """
                CREATE TABLE \(identifier: test.schema).\(identifier: table) (aggregate text PRIMARY KEY, events bigint NOT NULL, last bigint NOT NULL)
                """)
        }
        try await connection.query("VACUUM ANALYZE \(test.tables.events)")
        await connection.close()
    }

    /// How many seconds the consumer takes for all events.
    private static func measure(
        _ test: TemporaryEventStore, _ consumer: some Consumer, events: Int
    ) async throws -> Double {
        let source = try test.source()
        var options = WorkerOptions()
        options.runMode = .oneOff
        // Reads grow up to this while there is more to read, and so do the batches.
        options.batchSize = 5_000
        let processor = try BasicProcessor(consumer, source: source, options: options)
        let clock = ContinuousClock()
        let time = try await clock.measure { try await processor.run() }
        await source.close()
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        print(
            #"{"handled": "\#(consumer.name)", "events": \#(events), "seconds": \#(rounded(seconds)), "#
                + #""events per second": \#(Int(Double(events) / seconds))}"#)
        return seconds
    }

    private static func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
}
