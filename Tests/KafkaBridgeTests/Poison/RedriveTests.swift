import EventSourcing
import Kafka
import KafkaTestBroker
import TestSupport
import Testing

@testable import KafkaBridge

/// What people decide about parked events, and how the relay carries it out.
@Suite(.onEmbeddedBroker, .timeLimit(.minutes(3))) struct RedriveTests {
    private func rejecting(_ place: PoisonFixture, _ broker: KafkaTestBroker) async {
        await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
    }

    /// Both topics in the order in which the aggregate's records were written is not to be seen from outside; so the
    /// good topic's order, and that the cause was there before what waited behind it.
    @Test func `a redrive keeps the order while new events arrive`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await rejecting(place, broker)
            try await place.relaying(.park) { _ in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 parked!"])
                for _ in 0..<30 { try await place.append("a", "Good", "Good", "Good", "Good", "Good") }
                try await place.waitForCheckpoints(151)
                await broker.removeAllFaults()
                async let appended: Void = {
                    for _ in 0..<60 { try await place.append("a", "Good") }
                }()
                try await place.redrive(DeadLetterSelection(aggregateID: "a"))
                try await appended
                try await place.waitForCheckpoints(211)
                try await eventually("not all is redriven") {
                    try await place.all().allSatisfy { $0.state == .redriven }
                }
                // It flows by itself again.
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(212)
            }
            #expect(try await place.positions(in: place.topic, atLeast: 211) == Array(2...212))
            #expect(try await place.positions(in: place.badTopic, atLeast: 1) == [1])
            #expect(try await !place.all().contains { $0.position == 212 })
        }
    }

    @Test func `what is still rejected stays parked with one attempt more`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await rejecting(place, broker)
            try await place.relaying(.park) { _ in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 parked!"])
                try await place.append("a", "Good", "Bad", "Good")
                try await place.waitForRows(["1 parked!", "2 parked", "3 parked", "4 parked"])
                try await place.redrive()
                try await eventually("no attempt") { try await place.all()[0].attempts == 2 }
                try await place.waitForRows(["1 parked!", "2 parked", "3 parked", "4 parked"])
                #expect(try await place.all().allSatisfy { !$0.isRedriveRequested })

                // The first passes now, the third does not.
                await broker.removeAllFaults()
                await broker.inject(
                    Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic, skip: 1))
                try await place.redrive()
                try await place.waitForRows(["1 redriven!", "2 redriven", "3 parked!", "4 parked"])
                #expect(try await place.all()[2].reason == .rejected)
                #expect(try await place.kafka.readAll([place.topic]).count == 1)
            }
        }
    }

    @Test func `what waits behind a discarded event flows`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await rejecting(place, broker)
            try await place.relaying(.park) { _ in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 parked!"])
                try await place.append("a", "Good", "Good")
                try await place.append("b", "Bad")
                try await place.waitForRows(["1 parked!", "2 parked", "3 parked", "4 parked!"])
                try await place.append("b", "Good")
                try await place.waitForRows(["1 parked!", "2 parked", "3 parked", "4 parked!", "5 parked"])
                try await place.discard(1)
                try await place.waitForRows(["1 discarded!", "2 redriven", "3 redriven", "4 parked!", "5 parked"])
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(6)
            }
            #expect(try await place.positions(in: place.topic, atLeast: 3) == [2, 3, 6])
        }
    }

    @Test func `a follower may be discarded alone`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await rejecting(place, broker)
            try await place.relaying(.park) { _ in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 parked!"])
                try await place.append("a", "Good", "Good")
                try await place.waitForRows(["1 parked!", "2 parked", "3 parked"])
                try await place.discard(2)
                await broker.removeAllFaults()
                try await place.redrive()
                try await place.waitForRows(["1 redriven!", "2 discarded", "3 redriven"])
            }
            #expect(try await place.positions(in: place.topic, atLeast: 1) == [3])
        }
    }

    /// Killed with the events marked as being redriven: the next relay takes them up.
    @Test func `a redrive survives its relay`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await rejecting(place, broker)
            try await place.relaying(.park) { first in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 parked!"])
                try await place.append("a", "Good", "Good")
                try await place.waitForCheckpoints(3)
                await broker.removeAllFaults()
                await broker.takeDown()
                try await place.redrive()
                try await place.waitForRows(["1 redriving!", "2 redriving", "3 redriving"])
                await first.kill()
            }
            await broker.bringUp()
            try await place.relaying(.park) { _ in
                try await place.waitForRows(["1 redriven!", "2 redriven", "3 redriven"])
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(4)
            }
            #expect(try await place.positions(in: place.topic, atLeast: 3) == [2, 3, 4])
            #expect(try await place.all().allSatisfy { $0.attempts == 1 })
        }
    }

    /// The outage comes in the middle of a redrive, and costs no attempt.
    @Test func `an outage during a redrive is waited out`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await rejecting(place, broker)
            try await place.relaying(.park) { _ in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 parked!"])
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(2)
                await broker.removeAllFaults()
                await broker.takeDown()
                try await place.redrive()
                try await place.waitForRows(["1 redriving!", "2 redriving"])
                await broker.bringUp()
                try await place.waitForRows(["1 redriven!", "2 redriven"])
            }
            #expect(try await place.all().allSatisfy { $0.attempts == 1 })
        }
    }
}
