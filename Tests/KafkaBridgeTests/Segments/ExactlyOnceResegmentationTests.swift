import Consumers
import EventSourcing
import Kafka
import Postgres
import TestSupport
import Testing

@testable import KafkaBridge

/// Segments that are delivered exactly once are exchanged, beside workers that are gone or are taken for it.
@Suite(.timeLimit(.minutes(2))) struct ExactlyOnceResegmentationTests {
    private func resegmentation(
        _ once: ExactlyOnceFixture, _ handover: SegmentHandover, patience: Duration = .seconds(20)
    ) -> Resegmentation {
        var options = Resegmentation.Options()
        options.staleThreshold = .seconds(3)
        options.patience = patience
        return Resegmentation(once.place.test.tables, channel: nil, options: options, handover: handover)
    }

    private func totals(_ once: ExactlyOnceFixture, _ connection: Connection) async throws -> [Int] {
        try await connection.query(SegmentsTable(once.place.test.tables).rows(PoisonFixture.consumer)).map {
            try $0.decode(1)
        }
    }

    @Test func `behind a relay that was killed nothing comes twice, whatever its checkpoints say`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            try await once.appendEvents(400)
            let relay = try once.relay("relay")
            try await once.waitForCommitted(200)
            await relay.kill()
            // As if it had written none since.
            try await once.execute(
                "UPDATE \(place.test.tables.consumerSegments.sql) SET checkpoint = least(checkpoint, 20)")
            let connection = try await place.test.connect()
            let handover = try once.handover()
            let result = try await resegmentation(once, handover).run(
                PoisonFixture.consumer, to: 5, by: "me", on: connection)
            await handover.close()
            #expect(try await totals(once, connection) == [5, 5, 5, 5, 5])
            #expect(result.plan.highest > 20, "what Kafka has counts: \(result.plan)")
            try await once.relaying("next") { _ in
                try await once.appendEvents(100)
                try await eventually("the checkpoints follow", within: .seconds(30)) {
                    try await place.checkpoints() == Array(repeating: 500, count: 5)
                }
            }
            #expect(try await once.committed(atLeast: 500) == Array(1...500))
            #expect(try await once.progress().keys.sorted() == Array(0..<5))
            await connection.close()
        }
    }

    @Test func `while a worker that is taken for dead takes segments over again, nothing is exchanged`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            try await once.relaying { _ in
                try await once.appendEvents(20)
                try await place.waitForCheckpoints(20)
            }
            let connection = try await place.test.connect()
            let handover = try once.handover()
            let isDone = WakeSignal()
            let other = Task {
                while !isDone.isClosed { try await once.record(owner: once.transactionalID("other")) }
            }
            await #expect(throws: ResegmentationError.self) {
                try await resegmentation(once, handover, patience: .seconds(4)).run(
                    PoisonFixture.consumer, to: 5, by: "me", on: connection)
            }
            #expect(try await totals(once, connection) == [2, 2])
            isDone.close()
            try await other.value
            try await resegmentation(once, handover).run(PoisonFixture.consumer, to: 5, by: "me", on: connection)
            #expect(try await totals(once, connection).count == 5)
            await handover.close()
            await connection.close()
        }
    }
}
