import Consumers
import CoreMetrics
import EventSourcing
import FoundationEssentials
import Kafka
import KafkaTestBroker
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import KafkaBridge

/// What a relay under way does when a topic, a broker or an event is not as it should be: seen from outside, by a whole
/// worker with its publisher.
@Suite(.onEmbeddedBroker, .timeLimit(.minutes(3))) struct DeliveryRowsTests {
    private let first = PoisonFixture.aggregates.first
    private let second = PoisonFixture.aggregates.second

    // MARK: Topics

    @Test func `only what needs an absent topic waits, under one name, and it goes on soon after the topic is made`()
        async throws
    {
        try await PoisonFixture.withBroker { place, _ in
            let stem = place.kafka.uniqueTopic("ty")
            try await place.kafka.createTopic("\(stem).A", partitions: 2)
            let (registry, log) = (PrometheusRegistry(), CapturedLog())
            let route = Route(
                topic: try TopicTemplate("\(stem).{aggregate_type}"), allowlist: TopicAllowlist(["\(stem).*"]))
            try await withMetricsFactory(registry) {
                try await place.relaying(
                    .halt,
                    change: {
                        $0.route = route
                        $0.longestPause = .seconds(15)
                    }, logger: log.logger
                ) { relaying in
                    for _ in 0..<20 {
                        try await place.append(first, ofType: "A")
                        try await place.append(second, ofType: "A")
                    }
                    let absent = try await place.append(first, ofType: "B")
                    try await place.append(second, ofType: "A")
                    try await place.append(first, ofType: "A")
                    try await place.append(second, ofType: "A")
                    try await eventually("the other segment waits too") {
                        try await place.checkpoints() == [absent - 1, 44]
                    }
                    #expect(relaying.publisher.status.name == .halted)
                    // In the other segment, too: still one sentence about one topic.
                    let other = try await place.append(second, ofType: "B")
                    let last = try await place.append(second, ofType: "A")
                    try await eventually("the other segment does not halt") {
                        guard case .halted(let halts) = relaying.publisher.status else { return false }
                        return halts.map(\.position) == [absent, other]
                    }
                    let reason = relaying.publisher.condition.reason
                    #expect(reason.ranges(of: "topic `\(stem).B` takes no records").count == 1, "\(reason)")
                    #expect(reason.contains("segments 0, 1 halt"), "\(reason)")
                    #expect(registry.value(.refusedTopics, topic: "\(stem).B") == 1)
                    #expect(registry.value(.refusedTopics, topic: "\(stem).A") ?? 0 == 0)
                    // For so long that pauses between looks would have grown.
                    try await Task.sleep(for: .seconds(4))
                    #expect(try await place.checkpoints() == [absent - 1, other - 1])
                    let made = ContinuousClock.now
                    try await place.kafka.createTopic("\(stem).B", partitions: 1)
                    try await place.waitForCheckpoints(last)
                    let took = ContinuousClock.now - made
                    #expect(took < .seconds(4), "it took \(took)")
                    try await eventually("it still shows") { relaying.publisher.status == .flowing }
                    #expect(registry.value(.refusedTopics, topic: "\(stem).B") == 0)
                    #expect(registry.value(.producerRuns) == 1)
                }
            }
            let named = log.lines.filter { $0.contains("takes no records") }
            #expect(named.count == 1, "\(log.lines)")
            let positions = try await place.kafka.readAll(["\(stem).A", "\(stem).B"]).positions
            #expect(positions.sorted() == Array(1...46), "each once")
        }
    }

    @Test func `a topic that refuses records costs few producers, and the others' checkpoints move`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            let registry = PrometheusRegistry()
            try await withMetricsFactory(registry) {
                try await place.relaying(.halt, change: { $0.longestPause = .seconds(15) }) { relaying in
                    try await place.append(first, "Good")
                    try await place.append(second, "Good")
                    try await place.waitForCheckpoints(2)
                    await broker.inject(
                        Fault(
                            .refuse(KafkaErrorCode(.topicAuthorizationFailed)), on: .produce, topic: place.badTopic))
                    let refused = try await place.append(first, "Bad")[0]
                    for _ in 0..<100 {
                        try await place.append(first, "Good", "Bad")
                        try await place.append(second, "Good")
                    }
                    try await eventually("the other segment waits too") {
                        try await place.checkpoints() == [refused - 1, 303]
                    }
                    let reason = relaying.publisher.condition.reason
                    #expect(reason.ranges(of: "topic `\(place.badTopic)` takes no records").count == 1, "\(reason)")
                    #expect(registry.value(.refusedTopics, topic: place.badTopic) == 1)
                    #expect(try await place.all().isEmpty, "the topic is at fault, and no event")
                    // More with every quarter of a minute, however many events there are.
                    #expect((registry.value(.producerRuns) ?? 99) <= 20)
                    await broker.removeAllFaults()
                    try await place.waitForCheckpoints(303)
                    try await eventually("it still shows") { relaying.publisher.status == .flowing }
                    #expect(registry.value(.refusedTopics, topic: place.badTopic) == 0)
                    #expect((registry.value(.producerRuns) ?? 99) <= 20)
                }
            }
            let positions = try await place.kafka.readAll([place.topic, place.badTopic]).positions
            #expect(Set(positions) == Set(1...303))
            #expect(try await place.positions(in: place.badTopic, of: first, atLeast: 101).count == 101)
        }
    }

    @Test func `a topic that is deleted meanwhile halts only what needs it, until it is made again`() async throws {
        try await PoisonFixture.withBroker { place, _ in
            let registry = PrometheusRegistry()
            try await withMetricsFactory(registry) {
                try await place.relaying(.halt, change: { $0.longestPause = .seconds(15) }) { relaying in
                    try await place.append(first, "Good", "Bad")
                    try await place.append(second, "Good")
                    try await place.waitForCheckpoints(3)
                    try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
                        _ = try await admin.deleteTopics([place.badTopic])
                    }
                    try await place.append(first, "Bad", "Good")
                    for _ in 0..<10 { try await place.append(second, "Good") }
                    try await eventually("the other segment waits too") { try await place.checkpoints() == [3, 15] }
                    #expect(relaying.publisher.condition.reason.contains(place.badTopic))
                    #expect(registry.value(.refusedTopics, topic: place.badTopic) == 1)
                    try await place.kafka.createTopic(place.badTopic, partitions: 1)
                    try await place.waitForCheckpoints(15)
                    try await eventually("it still shows") { relaying.publisher.status == .flowing }
                    #expect((registry.value(.producerRuns) ?? 99) <= 6)
                }
            }
            #expect(try await place.positions(in: place.badTopic, atLeast: 1) == [4])
            #expect(Set(try await place.kafka.readAll([place.topic]).positions) == Set(1...15).subtracting([2, 4]))
        }
    }

    // MARK: Brokers

    @Test(arguments: [Fault.Action.hang, .delay(.seconds(3_600))])
    func `a broker that answers no record is a stall, with its begin, until it answers`(
        _ action: Fault.Action
    ) async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let log = CapturedLog()
            var options = KafkaPublisherOptions(
                name: "test", client: kafka.client(), route: Route(topic: try TopicTemplate(topic)))
            options.stallNotice = .milliseconds(300)
            options.longestPause = .milliseconds(200)
            let publisher = KafkaPublisher(options, logger: log.logger)
            try await publisher.deliver(EventRows.numbered(0..<5))
            await broker.inject(Fault(action, on: .produce))
            let before = CurrentTime.microseconds
            let publication = try await publisher.publish(EventRows.numbered(5..<10))
            try await eventually("it is called healthy", within: .seconds(6)) { publisher.status.name == .stalled }
            guard case .stalled(let since, _) = publisher.status else { return }
            #expect(since >= before && since <= CurrentTime.microseconds)
            guard case .stalled(let reason) = publisher.condition else {
                Issue.record("\(publisher.condition)")
                return
            }
            #expect(reason.contains("since \(TimestampText.seconds(since))"))
            // Nothing that comes later makes it younger.
            let later = try await publisher.publish(EventRows.numbered(10..<15))
            await broker.removeAllFaults()
            guard case .stalled(since, _) = publisher.status else {
                Issue.record("\(publisher.status)")
                return
            }
            await broker.disconnectAll()
            try await deadline { try await publication.acknowledged() }
            try await deadline { try await later.acknowledged() }
            #expect(publisher.status == .flowing && publisher.condition == .flowing)
            #expect(log.lines.count { $0.contains("stalled") } == 1, "\(log.lines)")
            await publisher.close()
        }
    }

    @Test func `closing while records are under way warns of nothing`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let log = CapturedLog()
            let publisher = try kafka.publisher(topic, .mustExist, logger: log.logger)
            try await publisher.deliver(EventRows.numbered(0..<5))
            let fault = await broker.inject(Fault(.hang, on: .produce))
            let publication = try await publisher.publish(EventRows.numbered(5..<500))
            try await eventually("nothing is under way") { await broker.hits(ofFault: fault) > 0 }
            let waiting = Task { try await publication.acknowledged() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await deadline { try await waiting.value } }
            await publisher.close()
            #expect(!log.lines.contains { $0.hasPrefix("warning") || $0.hasPrefix("error") }, "\(log.lines)")
        }
    }

    // MARK: Sizes and partitions

    @Test func `a structured CloudEvent of a payload that the topic takes is delivered`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let format = RecordFormat.cloudEventsStructured(.init(source: try TextTemplate("/godwit/{bounded_context}")))
        let publisher = KafkaPublisher(
            KafkaPublisherOptions(
                name: "test", client: kafka.client(), route: Route(topic: try TopicTemplate(topic), format: format)),
            logger: quiet)
        let payload = #"'{"a":"' || repeat('x', 800000) || '"}'"#
        let batch = try await EventRows.batch(EventRows.sql("g", rows: 1...1, payload: payload))
        #expect(batch.events?[0].payloadLength == 800_008)
        try await deadline { try await publisher.deliver(batch) }
        await publisher.close()
        let records = try await kafka.readAll([topic])
        #expect(records.count == 1 && records[0].value?.count ?? 0 > 800_008)
    }

    @Test func `no key moves within a producer's life, and the retry of a halt asks only about its own topic`()
        async throws
    {
        try await PoisonFixture.withBroker { place, broker in
            let (grown, small) = (place.kafka.uniqueTopic("grown"), place.kafka.uniqueTopic("small"))
            try await place.kafka.createTopic(grown, partitions: 1)
            try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
                _ = try await admin.createTopics([
                    TopicSpecification(small, partitions: 1, settings: ["max.message.bytes": "5000"])
                ])
            }
            let (registry, log) = (PrometheusRegistry(), CapturedLog())
            let route = Route(
                topic: try TopicTemplate(grown), topicsByEventType: ["Bad": try TopicTemplate(small)])
            try await withMetricsFactory(registry) {
                try await place.relaying(
                    .halt,
                    change: {
                        $0.route = route
                        $0.maximumRecordBytes = nil
                        $0.partitionLookInterval = .milliseconds(100)
                    }, worker: { $0.haltRetryInterval = .milliseconds(50) }, logger: log.logger
                ) { relaying in
                    // A topic of smaller records than are known of so far needs another producer.
                    try await relaying.publisher.prepare()
                    for number in 0..<20 { try await place.append("key-\(number)", "Good") }
                    try await place.waitForCheckpoints(20)
                    let runs = registry.value(.producerRuns)
                    let ofHalted = await broker.inject(Fault(.delay(.zero), on: .describeConfigs, topic: small))
                    let ofOther = await broker.inject(Fault(.delay(.zero), on: .describeConfigs, topic: grown))
                    try await place.append(first, "Bad", bytes: 20_000)
                    try await eventually("nothing halts") { relaying.publisher.status.name == .halted }
                    let admin = try Admin(place.kafka.client(), logger: quiet)
                    try await admin.addPartitions(to: grown, total: 8)
                    await admin.close()
                    let retried = await broker.hits(ofFault: ofHalted)
                    try await eventually("it is not tried again") {
                        await broker.hits(ofFault: ofHalted) >= retried + 5
                    }
                    try await eventually("the growth is not reported") {
                        try await place.append(second, "Good")
                        return log.lines.contains { $0.contains("another number of partitions") }
                    }
                    // Of the segment that does not halt.
                    for number in 0..<20 { try await place.append("later-\(number)", "Good") }
                    let more = await broker.hits(ofFault: ofHalted)
                    try await eventually("it is not tried again") { await broker.hits(ofFault: ofHalted) >= more + 5 }
                    #expect(await broker.hits(ofFault: ofOther) == 0)
                    #expect(registry.value(.producerRuns) == runs)
                }
            }
            let records = try await place.kafka.readAll([grown])
            #expect(records.contains { $0.header("aggregate_id")?.hasPrefix("later") == true })
            #expect(Set(records.map(\.partition)) == [0])
            #expect(log.lines.count { $0.contains("another number of partitions") } == 1, "\(log.lines)")
        }
    }

    // MARK: Redrives

    private func control(_ change: ControlChange, _ place: PoisonFixture) async throws {
        let connection = try await place.test.connect()
        _ = try await ConsumerControls(place.test.tables, channel: nil)
            .apply(change, to: PoisonFixture.consumer, by: "test", on: connection)
        await connection.close()
    }

    @Test func `a paused consumer redrives nothing until it is resumed`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            try await place.relaying(.park) { _ in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 parked!"])
                try await place.append("a", "Good", "Good")
                try await place.waitForRows(["1 parked!", "2 parked", "3 parked"])
                await broker.removeAllFaults()
                try await control(.pause, place)
                try await place.letRelaysBeat()
                try await place.redrive()
                try await place.letRelaysBeat()
                #expect(try await place.rows() == ["1 parked!", "2 parked", "3 parked"])
                #expect(try await place.kafka.readAll([place.topic, place.badTopic]).isEmpty)
                try await control(.resume, place)
                try await place.waitForRows(["1 redriven!", "2 redriven", "3 redriven"])
            }
            #expect(try await place.positions(in: place.topic, atLeast: 2) == [2, 3])
            #expect(try await place.positions(in: place.badTopic, atLeast: 1) == [1])
        }
    }

    @Test func `a redrive takes as long as the consumer's rate says`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            try await place.relaying(.park) { _ in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 parked!"])
                for _ in 0..<39 { try await place.append("a", "Good") }
                try await place.waitForCheckpoints(40)
                await broker.removeAllFaults()
                try await control(.rate(20), place)
                try await place.letRelaysBeat()
                let start = ContinuousClock.now
                try await place.redrive()
                try await eventually("not all is redriven") {
                    try await place.all().allSatisfy { $0.state == .redriven }
                }
                // 40 events at 20 a second take 2 s, but for the few that may go at once.
                let took = ContinuousClock.now - start
                #expect(took > .seconds(1.5), "it took \(took)")
            }
            #expect(try await place.positions(in: place.topic, atLeast: 39) == Array(2...40))
        }
    }
}

extension PoisonFixture {
    /// Appends an event of an aggregate of a type; gives its position.
    @discardableResult
    fileprivate func append(_ aggregate: String, ofType type: String) async throws -> Int64 {
        let connection = try await test.connect()
        let result = try await connection.withTransaction {
            try await test.store.append([Event.sample(aggregate, aggregateType: type)], expecting: .any, in: $0)
        }
        await connection.close()
        return result.positions[0]
    }
}

extension PrometheusRegistry {
    /// A series of the fixture's consumer; `nil` if there is none yet.
    func value(_ metric: Metric, topic: String? = nil) -> Int? {
        let labels = ["consumer=\"\(PoisonFixture.consumer)\""] + (topic.map { ["topic=\"\($0)\""] } ?? [])
        return exposition().split(separator: "\n").first { line in
            line.hasPrefix("\(metric.rawValue){") && labels.allSatisfy { line.contains($0) }
        }?.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) }
    }
}

extension [ConsumedRecord] {
    var positions: [Int64] { compactMap { $0.header("global_position").flatMap(Int64.init) } }
}
