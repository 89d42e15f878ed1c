import Consumers
import EventSourcing
import FoundationEssentials
import Postgres
import TestSupport
import Testing

@testable import KafkaBridge

/// What people decide about dead letters, on the table alone.
@Suite struct DeadLettersTests {
    private static let consumer = "identity"

    /// A segment of the consumer's, owned under epoch 1, and the events at the positions noted.
    private func withLetters(
        _ rows: [(position: Int64, aggregate: String, reason: DeadLetter.Reason)], as state: DeadLetter.State = .parked,
        _ body: (TestStore, Connection, DeadLetters) async throws -> Void
    ) async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.query(
                Statement(
                    "INSERT INTO \(test.tables.consumerSegments.sql) (consumer_name, segment_id, total_segments, epoch) VALUES ('identity', 0, 1, 1)"
                ))
            try await connection.query(
                DeadLettersTable(test.tables).record(Self.consumer, rows.map { Self.event($0) }, as: state))
            try await body(test, connection, DeadLetters(test.tables))
            await connection.close()
        }
    }

    /// As the worker that claimed the segment last serves it.
    static let segment = ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)

    static func event(
        _ row: (position: Int64, aggregate: String, reason: DeadLetter.Reason), epoch: Int64 = 1
    ) -> UndeliverableEvent {
        UndeliverableEvent(
            position: row.position, segment: 0, epoch: epoch, eventID: UUID(), eventType: "Happened",
            aggregate: AggregateIdentity(
                boundedContext: "Identity", aggregateType: "User", aggregateID: row.aggregate),
            aggregateVersion: row.position, reason: row.reason, error: "because")
    }

    private func audit(_ test: TestStore, _ connection: Connection) async throws -> [String] {
        try await connection.query(AuditLog(test.tables).newest(10)).map { row in
            "\(try row.decode(0, as: String.self)) \(try row.decode(1, as: String.self)) "
                + "\(try row.decode(2, as: String.self)): \(try row.decode(3, as: String.self))"
        }
    }

    @Test func `what is open is listed in order and in pages`() async throws {
        try await withLetters([(7, "a", .tooLarge), (9, "b", .rejected), (12, "a", .follows)]) {
            _, connection, letters in
            let all = try await letters.list(DeadLetterSelection(), on: connection)
            #expect(all.map(\.position) == [7, 9, 12] && all.map(\.isCause) == [true, true, false])
            #expect(all.allSatisfy { $0.state == .parked && $0.attempts == 1 && $0.error == "because" })
            let page = try await letters.list(
                DeadLetterSelection(consumer: "identity"), after: 7, limit: 1, on: connection)
            #expect(page.map(\.position) == [9])
            let one = try await letters.list(DeadLetterSelection(aggregateID: "a"), on: connection)
            #expect(one.map(\.position) == [7, 12])
            #expect(try await letters.list(DeadLetterSelection(consumer: "other"), on: connection).isEmpty)
            #expect(
                try await letters.counts(on: connection)
                    == [.init(consumer: "identity", open: 3, causes: 2, halted: 0)])
        }
    }

    @Test func `a redrive is asked of the first event of each aggregate and audited`() async throws {
        try await withLetters([(7, "a", .tooLarge), (9, "b", .rejected), (12, "a", .follows)]) {
            test, connection, letters in
            let asked = try await letters.requestRedrive(
                DeadLetterSelection(position: 12), of: "identity", actor: "eve@host", on: connection)
            #expect(asked.map(\.position) == [7])
            let marked = try await letters.list(DeadLetterSelection(), on: connection).filter(\.isRedriveRequested)
            #expect(marked.map(\.position) == [7])
            #expect(
                try await audit(test, connection)
                    == [#"eve@host redrive consumer identity: position 7 of "Identity/User" "a""#])
        }
    }

    @Test func `what is discarded is closed and audited`() async throws {
        try await withLetters([(7, "a", .tooLarge), (9, "b", .rejected), (12, "a", .follows)]) {
            test, connection, letters in
            let gone = try await letters.discard(
                DeadLetterSelection(aggregateID: "a"), of: "identity", actor: "eve@host", on: connection)
            #expect(gone.map(\.position) == [7, 12] && gone.allSatisfy { $0.state == .discarded })
            #expect(try await letters.list(DeadLetterSelection(), on: connection).map(\.position) == [9])
            #expect(try await audit(test, connection).count == 1)
        }
    }

    @Test func `what is being redriven is not discarded meanwhile`() async throws {
        try await withLetters([(7, "a", .tooLarge), (12, "a", .follows)]) { test, connection, letters in
            try await Self.own(test, connection)
            let table = DeadLettersTable(test.tables)
            let aggregate = AggregateIdentity(boundedContext: "Identity", aggregateType: "User", aggregateID: "a")
            let taken = try await connection.query(table.take("identity", aggregate, in: Self.segment, limit: 1))
            #expect(try taken.map { try $0.decode(0, as: Int64.self) } == [7])
            await #expect(throws: DeadLetterError.beingRedriven(consumer: "identity", position: 7)) {
                try await letters.discard(
                    DeadLetterSelection(), of: "identity", actor: "eve@host", on: connection)
            }
            #expect(try await audit(test, connection).isEmpty)
        }
    }

    /// The owner as it is recorded, and lives.
    private static func own(_ test: TestStore, _ connection: Connection) async throws {
        try await connection.execute(
            script: """
                UPDATE \(test.tables.consumerSegments.sql) SET owner_id = 'w1';
                INSERT INTO \(test.tables.consumerWorkers.sql) (consumer_name, worker_id, last_heartbeat)
                    VALUES ('identity', 'w1', clock_timestamp());
                """)
    }

    /// What a relay was delivering that is gone, was released, or lost the segment, is anyone's to decide about.
    @Test(arguments: [
        "DELETE FROM WORKERS", "UPDATE WORKERS SET last_heartbeat = clock_timestamp() - interval '31 s'",
        "UPDATE WORKERS SET session_lock = true", "UPDATE SEGMENTS SET owner_id = NULL",
        "UPDATE SEGMENTS SET epoch = epoch + 1",
    ])
    func `what a lost relay was redriving may be discarded`(_ change: String) async throws {
        try await withLetters([(7, "a", .tooLarge), (12, "a", .follows)]) { test, connection, letters in
            try await Self.own(test, connection)
            let aggregate = AggregateIdentity(boundedContext: "Identity", aggregateType: "User", aggregateID: "a")
            let table = DeadLettersTable(test.tables)
            try await connection.query(table.take("identity", aggregate, in: Self.segment, limit: 1))
            await #expect(throws: DeadLetterError.beingRedriven(consumer: "identity", position: 7)) {
                try await letters.discard(DeadLetterSelection(), of: "identity", actor: "eve@host", on: connection)
            }
            try await connection.execute(
                script: change.replacing("WORKERS", with: test.tables.consumerWorkers.sql)
                    .replacing("SEGMENTS", with: test.tables.consumerSegments.sql))
            let gone = try await letters.discard(
                DeadLetterSelection(), of: "identity", actor: "eve@host", on: connection)
            #expect(gone.map(\.position) == [7, 12])
        }
    }

    @Test func `who has lost the segment redrives nothing`() async throws {
        try await withLetters([(7, "a", .tooLarge)]) { test, connection, letters in
            let table = DeadLettersTable(test.tables)
            let aggregate = AggregateIdentity(boundedContext: "Identity", aggregateType: "User", aggregateID: "a")
            let stale = ServedSegment(segment: 0, checkpoint: 0, epoch: 0, attempt: 3)
            let none = try await connection.query(table.take("identity", aggregate, in: stale, limit: 1))
            let open = try await letters.list(DeadLetterSelection(), on: connection)
            #expect(none.count == 0 && open.map(\.state) == [.parked])
            let taken = try await connection.query(table.take("identity", aggregate, in: Self.segment, limit: 1))
            #expect(taken.count == 1)
        }
    }

    @Test func `a mistake changes nothing and is named`() async throws {
        try await withLetters([(7, "a", .tooLarge)]) { test, connection, letters in
            func error(_ selection: DeadLetterSelection, _ consumer: String) async -> DeadLetterError? {
                await #expect(throws: DeadLetterError.self) {
                    try await letters.requestRedrive(selection, of: consumer, actor: "eve@host", on: connection)
                }
            }
            #expect(
                await error(DeadLetterSelection(), "idenity") == .unknownConsumer("idenity", known: ["identity"]))
            #expect(
                await error(DeadLetterSelection(position: 8), "identity")
                    == .notOpen(consumer: "identity", position: 8, state: nil))
            #expect(
                await error(DeadLetterSelection(aggregateID: "b"), "identity") == .nothingOpen(consumer: "identity"))
            _ = try await letters.discard(DeadLetterSelection(), of: "identity", actor: "eve@host", on: connection)
            #expect(
                await error(DeadLetterSelection(position: 7), "identity")
                    == .notOpen(consumer: "identity", position: 7, state: .discarded))
            #expect(try await audit(test, connection).count == 1)
        }
    }

    @Test func `an event that a segment halts at may be parked`() async throws {
        try await withLetters([(7, "a", .tooLarge)], as: .halted) { test, connection, letters in
            let table = DeadLettersTable(test.tables)
            #expect(try await connection.query(table.decided("identity", [7])).isEmpty)
            let parked = try await letters.park(
                DeadLetterSelection(position: 7), of: "identity", actor: "eve@host", on: connection)
            #expect(parked.map(\.state) == [.parked])
            #expect(try await connection.query(table.decided("identity", [7])).count == 1)
            await #expect(throws: DeadLetterError.nothingOpen(consumer: "identity")) {
                try await letters.park(
                    DeadLetterSelection(position: 7), of: "identity", actor: "eve@host", on: connection)
            }
        }
    }

    /// A worker that lost the segment must not park events without its new owner's knowledge.
    @Test func `only the owner notes`() async throws {
        try await withLetters([(7, "a", .tooLarge)]) { test, connection, letters in
            let table = DeadLettersTable(test.tables)
            try await connection.query(
                table.record(Self.consumer, [Self.event((8, "b", .tooLarge), epoch: 0)], as: .parked))
            #expect(try await letters.list(DeadLetterSelection(), on: connection).map(\.position) == [7])
        }
    }

    /// As after a kill between the note and the checkpoint.
    @Test func `noticed twice an event is noted once`() async throws {
        try await withLetters([(7, "a", .tooLarge)]) { test, connection, letters in
            let table = DeadLettersTable(test.tables)
            let again = table.record(Self.consumer, [Self.event((7, "a", .tooLarge))], as: .parked)
            try await connection.query(again)
            #expect(try await letters.list(DeadLetterSelection(), on: connection).map(\.attempts) == [1])
            _ = try await letters.discard(DeadLetterSelection(), of: "identity", actor: "eve@host", on: connection)
            try await connection.query(again)
            let all = try await letters.list(DeadLetterSelection(), states: DeadLetter.State.allCases, on: connection)
            #expect(all.map(\.state) == [.discarded])
        }
    }

    @Test func `a redrive that fails leaves the rest parked in order`() async throws {
        try await withLetters([(7, "a", .tooLarge), (8, "a", .follows), (9, "a", .follows)]) {
            test, connection, letters in
            let table = DeadLettersTable(test.tables)
            let aggregate = AggregateIdentity(boundedContext: "Identity", aggregateType: "User", aggregateID: "a")
            try await connection.query(table.take("identity", aggregate, in: Self.segment, limit: 10))
            let failed = RedriveOutcome.Failed(position: 8, reason: .rejected, error: "no")
            try await connection.query(
                table.settle("identity", in: Self.segment, RedriveOutcome(delivered: [7], failed: failed, left: [9])))
            let open = try await letters.list(DeadLetterSelection(), on: connection)
            #expect(open.map(\.position) == [8, 9] && open.allSatisfy { $0.state == .parked })
            #expect(open.map(\.isCause) == [true, false] && open.map(\.attempts) == [2, 1])
            #expect(open[0].error == "no" && open[0].reason == .rejected && open[1].error == "because")
            let waiting = try await connection.query(table.waiting("identity", segments: [0]))
            #expect(waiting.count == 1)
            #expect(try waiting.first?.decode(4, as: Int64.self) == 8)
            #expect(try waiting.first?.decode(8, as: Int64.self) == 2)
        }
    }
}
