import Consumers
import EventSourcing
import Kafka
import KafkaTestBroker
import TestSupport
import Testing

@testable import KafkaBridge

/// Parking: the event and the later ones of its aggregate are set aside, and everything else goes on.
@Suite(.timeLimit(.minutes(3))) struct ParkingTests {
    @Test func `an oversized event and the later ones of its aggregate are parked and the others go on`() async throws {
        try await PoisonFixture.with { place in
            try await place.relaying(.park) { relaying in
                try await place.append("a", "Good", "Good")
                try await place.append("b", "Good")
                try await place.append("a", "Good", bytes: 20_000)
                try await place.append("b", "Good")
                try await place.append("a", "Good", "Good")
                try await place.append("b", "Good")
                try await place.waitForRows(["4 parked!", "6 parked", "7 parked"])
                try await place.waitForCheckpoints(8)
                #expect(relaying.publisher.status == .flowing)
            }
            #expect(try await place.positions(in: place.topic, of: "a", atLeast: 2) == [1, 2])
            #expect(try await place.positions(in: place.topic, of: "b", atLeast: 3) == [3, 5, 8])
            let cause = try await place.all()[0]
            #expect(cause.reason == .tooLarge && cause.error.contains("10000 are allowed in topic `\(place.topic)`"))
            #expect(
                cause.aggregate
                    == AggregateIdentity(boundedContext: "Identity", aggregateType: "User", aggregateID: "a"))
            #expect(cause.aggregateVersion == 3 && cause.attempts == 1)
        }
    }

    /// The largest payload that is read follows the topics that are known; the one that takes more comes later.
    @Test func `a payload that stayed behind is read again where its topic takes it`() async throws {
        try await PoisonFixture.with { place in
            let name = place.kafka.uniqueTopic("sized")
            let (small, large) = ("\(name)-Good", "\(name)-Bad")
            try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
                let specification = TopicSpecification(small, partitions: 2, settings: ["max.message.bytes": "5000"])
                _ = try await admin.createTopics([specification, TopicSpecification(large, partitions: 1)])
            }
            let template = try TopicTemplate("\(name)-{event_type}")
            let change: (inout KafkaPublisherOptions) -> Void = {
                $0.maximumRecordBytes = nil
                ($0.route.topic, $0.route.topicsByEventType) = (template, [:])
            }
            try await place.relaying(.park, change: change) { relaying in
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(1)
                #expect(relaying.publisher.largestPayload == 5_000)
                try await place.append("a", "Bad", bytes: 20_000)
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(3)
                #expect(relaying.publisher.largestPayload > 20_000)
            }
            // Nobody had to decide anything.
            #expect(try await place.rows().isEmpty)
            #expect(try await place.positions(in: large, atLeast: 1) == [2])
            #expect(try await place.positions(in: small, atLeast: 2) == [1, 3])
        }
    }

    @Test func `an event without a valid topic is parked`() async throws {
        try await PoisonFixture.with { place in
            let change: (inout KafkaPublisherOptions) -> Void = { $0.route.allowlist = TopicAllowlist([place.topic]) }
            try await place.relaying(.park, change: change) { _ in
                try await place.append("a", "Good", "Bad", "Good")
                try await place.append("b", "Good")
                try await place.waitForRows(["2 parked!", "3 parked"])
                try await place.waitForCheckpoints(4)
            }
            #expect(try await place.all()[0].reason == .noTopic)
            #expect(Set(try await place.positions(in: place.topic, atLeast: 2)) == [1, 4])
        }
    }

    @Test(.onEmbeddedBroker) func `an event that the broker rejects alone is parked`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            try await place.relaying(.park) { _ in
                try await place.append("a", "Good", "Bad")
                try await place.waitForRows(["2 parked!"])
                try await place.append("a", "Good")
                for aggregate in ["b", "c", "d"] { try await place.append(aggregate, "Good", "Good") }
                try await place.waitForRows(["2 parked!", "3 parked"])
                try await place.waitForCheckpoints(9)
            }
            #expect(try await place.all()[0].reason == .rejected)
            let others = try await place.positions(in: place.topic, atLeast: 7)
            #expect(Set(others) == [1, 4, 5, 6, 7, 8, 9])
        }
    }

    @Test(.onEmbeddedBroker) func `an outage parks nothing`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            try await place.relaying(.park) { relaying in
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(1)
                await broker.takeDown()
                // Nothing waits in the client: the first of them has a topic that is not prepared yet.
                try await place.append("a", "Bad", "Good", "Good")
                try await eventually("the outage does not show") {
                    relaying.publisher.condition.isOutage
                }
                await broker.bringUp()
                try await place.waitForCheckpoints(4)
            }
            #expect(try await place.rows().isEmpty)
        }
    }

    /// The row is there, the checkpoint is not: as after a kill between the two.
    @Test func `a kill between the row and the checkpoint loses and doubles nothing`() async throws {
        try await PoisonFixture.with { place in
            try await place.append("a", "Good", bytes: 20_000)
            try await place.append("a", "Good")
            try await place.append("b", "Good")
            try await place.relaying(.park, worker: { $0.checkpointInterval = .seconds(3600) }) { first in
                try await place.waitForRows(["1 parked!", "2 parked"])
                let before = try await place.all()
                await first.kill()
                #expect(try await place.checkpoints() == [0, 0])
                try await place.relaying(.park) { _ in
                    try await place.append("a", "Good")
                    try await place.waitForCheckpoints(4)
                }
                #expect(try await place.rows() == ["1 parked!", "2 parked", "4 parked"])
                #expect(try await Array(place.all().prefix(2)) == before)
                #expect(Set(try await place.positions(in: place.topic, atLeast: 1)) == [3])
            }
        }
    }

    @Test func `what was decided before the checkpoint passed is not delivered again`() async throws {
        try await PoisonFixture.with { place in
            try await place.append("a", "Good", bytes: 20_000)
            try await place.relaying(.park, worker: { $0.checkpointInterval = .seconds(3600) }) { first in
                try await place.waitForRows(["1 parked!"])
                await first.kill()
            }
            try await place.discard(1)
            try await place.relaying(.park, change: { $0.maximumRecordBytes = 100_000 }) { _ in
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(2)
            }
            #expect(try await place.rows() == ["1 discarded!"])
            #expect(try await place.positions(in: place.topic, atLeast: 1) == [2])
        }
    }

    @Test func `who takes over knows the parked aggregates`() async throws {
        try await PoisonFixture.with { place in
            try await place.relaying(.park) { _ in
                try await place.append("a", "Good", bytes: 20_000)
                try await place.waitForCheckpoints(1)
            }
            // Also under another policy, and with the limit raised, the aggregate's order holds.
            try await place.relaying(.halt, change: { $0.maximumRecordBytes = 100_000 }) { _ in
                try await place.append("a", "Good")
                try await place.append("b", "Good")
                try await place.waitForRows(["1 parked!", "2 parked"])
                try await place.waitForCheckpoints(3)
            }
            #expect(try await place.positions(in: place.topic, atLeast: 1) == [3])
        }
    }

    /// Two workers share the segments, and one goes.
    @Test func `a worker that takes a segment from another knows its parked aggregates`() async throws {
        try await PoisonFixture.with { place in
            let aggregates = (0..<8).map { "aggregate-\($0)" }
            try await place.relaying(.park) { first in
                try await place.relaying(.park) { second in
                    try await eventually("they do not share") {
                        let counts = [await first.worker.snapshot(), await second.worker.snapshot()]
                            .map { $0.consumers[0].own.segments.count }
                        return counts == [1, 1]
                    }
                    for aggregate in aggregates { try await place.append(aggregate, "Good", bytes: 20_000) }
                    try await place.waitForRows((1...8).map { "\($0) parked!" })
                    try await first.stop()
                    for aggregate in aggregates { try await place.append(aggregate, "Good") }
                    try await place.waitForRows((1...8).map { "\($0) parked!" } + (9...16).map { "\($0) parked" })
                    try await place.waitForCheckpoints(16)
                }
                #expect(try await place.kafka.readAll([place.topic]).isEmpty)
            }
        }
    }
}
