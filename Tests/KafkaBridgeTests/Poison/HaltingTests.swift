import EventSourcing
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// Halting: the segment halts before the event, the others go on, and it goes on by itself once that is fixed.
@Suite(.timeLimit(.minutes(3))) struct HaltingTests {
    private let aggregates = (halting: PoisonFixture.aggregates.first, other: PoisonFixture.aggregates.second)

    @Test(.onEmbeddedBroker) func `its checkpoint stays, the others move and it goes on when fixed`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            let (halting, other) = aggregates
            try await place.relaying(.halt, worker: { $0.haltRetryInterval = .milliseconds(100) }) { relaying in
                try await place.append(halting, "Good", "Bad")
                try await place.waitForRows(["2 halted!"])
                try await place.append(halting, "Good")
                try await place.append(other, "Good", "Good")
                try await eventually("the others do not move") { try await place.checkpoints() == [1, 5] }
                // On a busy machine the lease may run out for a moment, and the segments begin anew.
                try await eventually("the halt does not show") {
                    if case .halted = relaying.publisher.status { true } else { false }
                }
                guard case .halted(let halts) = relaying.publisher.status else {
                    Issue.record("\(relaying.publisher.status)")
                    return
                }
                #expect(halts.map(\.segment) == [0] && halts.map(\.position) == [2])
                #expect(halts[0].reason.contains("INVALID_RECORD") && halts[0].reason.contains(place.badTopic))
                try await eventually("it is not tried again") { try await place.all()[0].attempts >= 3 }
                try await place.append(other, "Good")
                try await eventually("the others stand") { try await place.checkpoints() == [1, 6] }
                await broker.removeAllFaults()
                try await place.waitForCheckpoints(6)
                try await place.waitForRows(["2 redriven!"])
                try await eventually("it still shows") { relaying.publisher.status == .flowing }
            }
            #expect(try await place.positions(in: place.topic, of: halting, atLeast: 2) == [1, 3])
            // Not once more with every attempt, though it goes to another topic than what the segment halts at.
            let third = try await place.kafka.readAll([place.topic]).filter { $0.header("global_position") == "3" }
            #expect(third.count == 1)
            #expect(try await place.positions(in: place.topic, of: other, atLeast: 3) == [4, 5, 6])
            #expect(try await place.positions(in: place.badTopic, atLeast: 1) == [2])
        }
    }

    @Test(.onEmbeddedBroker) func `who takes the segment over halts at the same event`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            let (halting, other) = aggregates
            try await place.relaying(.halt) { first in
                try await place.append(halting, "Good")
                // What is under way when a record is rejected may come twice.
                try await place.waitForCheckpoints(1)
                try await place.append(halting, "Bad")
                try await place.waitForRows(["2 halted!"])
                try await place.append(halting, "Good")
                try await place.append(other, "Good")
                try await eventually("the others do not move") { try await place.checkpoints() == [1, 4] }
                try await place.relaying(.halt) { second in
                    await first.kill()
                    try await eventually("the halt is not taken over") {
                        await second.worker.snapshot().consumers[0].own.halts.map(\.position) == [2]
                    }
                    #expect(try await place.rows() == ["2 halted!"])
                    try await place.append(other, "Good")
                    try await eventually("the others stand") { try await place.checkpoints() == [1, 5] }
                    await broker.removeAllFaults()
                    try await place.redrive()
                    try await place.waitForRows(["2 redriven!"])
                    try await place.waitForCheckpoints(5)
                }
                let delivered = try await place.kafka.readAll([place.topic, place.badTopic])
                    .compactMap { $0.header("global_position").flatMap(Int64.init) }
                #expect(delivered.sorted() == [1, 2, 3, 4, 5])
            }
        }
    }

    @Test func `an oversized event halts until the limit is raised and the process starts again`() async throws {
        try await PoisonFixture.with { place in
            let (halting, other) = aggregates
            try await place.append(halting, "Good", bytes: 20_000)
            try await place.append(halting, "Good")
            try await place.append(other, "Good")
            try await place.relaying(.halt) { _ in
                try await place.waitForRows(["1 halted!"])
                try await eventually("the others do not move") { try await place.checkpoints() == [0, 3] }
            }
            try await place.relaying(.halt, change: { $0.maximumRecordBytes = 100_000 }) { _ in
                try await place.waitForRows(["1 redriven!"])
                try await place.waitForCheckpoints(3)
            }
            #expect(try await place.positions(in: place.topic, of: halting, atLeast: 2) == [1, 2])
        }
    }

    @Test func `an operator may skip the event`() async throws {
        try await PoisonFixture.with { place in
            let halting = aggregates.halting
            try await place.relaying(.halt) { _ in
                try await place.append(halting, "Good", bytes: 20_000)
                try await place.append(halting, "Good")
                try await place.waitForRows(["1 halted!"])
                try await place.discard(1)
                try await place.waitForCheckpoints(2)
            }
            #expect(try await place.rows() == ["1 discarded!"])
            #expect(try await place.positions(in: place.topic, atLeast: 1) == [2])
        }
    }

    @Test func `an operator may park the event`() async throws {
        try await PoisonFixture.with { place in
            let halting = aggregates.halting
            try await place.relaying(.halt) { _ in
                try await place.append(halting, "Good", bytes: 20_000)
                try await place.append(halting, "Good")
                try await place.append(aggregates.other, "Good")
                try await place.waitForRows(["1 halted!"])
                let connection = try await place.test.connect()
                _ = try await place.letters.park(
                    DeadLetterSelection(position: 1), of: PoisonFixture.consumer, actor: "test", on: connection)
                await connection.close()
                try await place.waitForRows(["1 parked!", "2 parked"])
                try await place.waitForCheckpoints(3)
            }
            #expect(try await place.positions(in: place.topic, atLeast: 1) == [3])
        }
    }

    @Test func `an operator may have it tried at once`() async throws {
        try await PoisonFixture.with { place in
            try await place.relaying(.halt) { _ in
                try await place.append(aggregates.halting, "Good", bytes: 20_000)
                try await place.waitForRows(["1 halted!"])
                try await place.redrive()
                try await eventually("not tried") { try await place.all()[0].attempts == 2 }
                try await eventually("still asked for") { try await !place.all()[0].isRedriveRequested }
                #expect(try await place.rows() == ["1 halted!"])
            }
        }
    }
}
