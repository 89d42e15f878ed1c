import EventSourcing
import FoundationEssentials
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

@testable import Appliance
@testable import KafkaBridge

/// `verify` in generated worlds: transactions that were committed, given up or are open, records that retention or compaction
/// takes, leaders that move, partitions that are added, errors. What it says is held against what was written.
@Suite struct VerificationWorldTests {
    /// A topic's past, drawn from a seed.
    private struct World {
        /// How a part of the events came to the topic.
        enum Way: CaseIterable { case plainly, committed, givenUp, open, never, twice }

        static let events = 24
        let partitions: Int
        let addsPartitions: Bool
        let hasRetention: Bool
        let compacts: Bool
        let movesLeaders: Bool
        let parts: [(range: Range<Int>, way: Way)]
        let fault: (request: RequestKind, error: String)?

        init(_ seed: UInt64) {
            var random = Seeded(seed)
            partitions = Int.random(in: 1...3, using: &random)
            addsPartitions = Bool.random(using: &random)
            compacts = Int.random(in: 0..<4, using: &random) == 0
            hasRetention = !compacts && Int.random(in: 0..<3, using: &random) == 0
            movesLeaders = Bool.random(using: &random)
            var parts: [(Range<Int>, Way)] = []
            var begin = 0
            var mayBeOpen = true
            while begin < Self.events {
                let end = min(Self.events, begin + Int.random(in: 1...4, using: &random))
                var way = Way.allCases.randomElement(using: &random) ?? .plainly
                if way == .open, !mayBeOpen { way = .committed }
                if way == .open { mayBeOpen = false }
                parts.append((begin..<end, way))
                begin = end
            }
            self.parts = parts
            let request = VerificationFaultTests.requests.randomElement(using: &random)
            let error = VerificationFaultTests.errors.randomElement(using: &random)
            let isFaulty = Bool.random(using: &random)
            fault = request.flatMap { request in error.map { (request, $0) } }.flatMap { isFaulty ? $0 : nil }
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(4)), arguments: seeds(10, of: "worlds of verify"))
    func `nothing is missing that was delivered, and nothing is right that was not`(seed: UInt64) async throws {
        let world = World(seed)
        var configuration = BrokerConfiguration()
        configuration.nodes = 3
        configuration.autoCreateTopics = false
        configuration.retentionCheckInterval = .milliseconds(50)
        let broker = try await KafkaTestBroker.start(configuration)
        let kafka = TestKafka(bootstrapServers: broker.bootstrapServers)
        try await RelayFixture.with(kafka) { place in
            let (topic, records) = try await make(world, place)
            var left: TransactionalProducer?
            for (range, way) in world.parts {
                let part = range.compactMap { records[$0] }
                switch way {
                case .never: continue
                case .plainly: try await HandWritten.write(part, to: topic, of: kafka)
                case .twice: for _ in 0..<2 { try await HandWritten.write(part, to: topic, of: kafka) }
                case .committed, .givenUp, .open:
                    let producer = try await HandWritten.begin(part, to: topic, of: kafka)
                    if way == .committed { try await producer.commit() }
                    if way != .open {
                        await producer.abort(within: .seconds(5))
                        await producer.producer.close()
                    } else {
                        left = producer
                    }
                }
                if world.movesLeaders {
                    _ = await broker.moveLeader(ofTopic: topic, to: Int32(range.lowerBound % 3) + 1)
                }
                if world.addsPartitions, range.contains(World.events / 2) {
                    _ = try await Admin.with(kafka.client(), logger: quiet) { admin throws(KafkaError) in
                        try await admin.addPartitions(to: topic, total: world.partitions + 2)
                    }
                }
            }
            if world.hasRetention || world.compacts { try await settle(topic, kafka) }
            try await check(world, topic, place, broker, "seed \(seed): \(world)")
            if let left {
                await left.abort(within: .seconds(5))
                await left.producer.close()
            }
        }
        await broker.stop()
    }

    /// The world's topic, empty, and the records that its events have, by their indices.
    private func make(_ world: World, _ place: RelayFixture) async throws -> (String, [Int: ConsumedRecord]) {
        let topic = place.kafka.uniqueTopic("world")
        var settings = ["segment.bytes": "4096"]
        if world.compacts { settings["cleanup.policy"] = "compact" }
        if world.hasRetention { settings["retention.ms"] = "3600000" }
        let made = TopicSpecification(topic, partitions: world.partitions, settings: settings)
        _ = try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
            try await admin.createTopics([made])
        }
        var events = (0..<World.events).map {
            Event.sample("user-\($0 % 7)", payload: String(repeating: "1", count: 300))
        }
        if world.hasRetention {
            for index in 0..<World.events * 2 / 3 {
                events[index].createdAt = Date.now.addingTimeInterval(-86_400 + Double(index))
            }
        }
        _ = try await place.append(events)
        let source = try await place.kafka.makeTopic("source", partitions: 1)
        _ = try await place.report(["catch-up", "identity"], ["GODWIT_CONSUMERS_IDENTITY_TOPIC": source])
        let records = try await place.kafka.readAll([source])
        return (topic, Dictionary(uniqueKeysWithValues: records.map { (Self.index($0), $0) }))
    }

    private static func index(_ record: ConsumedRecord) -> Int {
        (record.header("global_position").flatMap { Int($0) } ?? 0) - 1
    }

    /// Waits until retention and compaction have no more to take.
    private func settle(_ topic: String, _ kafka: TestKafka) async throws {
        var (last, looks) = ([Int]?.none, 0)
        try await eventually("the topic does not come to rest", within: .seconds(120)) {
            let now = try await kafka.readAll([topic]).map { Int($0.offset) }
            looks = now == last ? looks + 1 : 0
            last = now
            return looks >= 2
        }
    }

    private func check(
        _ world: World, _ topic: String, _ place: RelayFixture, _ broker: KafkaTestBroker, _ context: String
    ) async throws {
        var options = Verification.Options()
        options.transactionPatience = .zero
        options.comparesValues = false
        (options.answerPatience, options.silence) = (.seconds(2), .seconds(1))
        let verification = try Verification(
            consumer: "identity", route: Route(topic: TopicTemplate(topic)),
            client: place.kafka.client(["socket.timeout.ms": "1000"]), database: try place.test.configuration,
            tables: place.test.tables, options: options, logger: quiet)
        var visible: [Int: Int] = [:]
        for record in try await place.kafka.readAll([topic]) { visible[Self.index(record), default: 0] += 1 }
        if let fault = world.fault {
            let code = try #require(KafkaErrorCode.named[fault.error])
            await broker.inject(Fault(.refuse(code), on: fault.request, count: 1))
        }
        let result: Verification.Result
        do {
            result = try await verification.run(
                EventSelection(scope: .all), after: 0, through: Int64(World.events))
        } catch is KafkaError where world.fault != nil {
            // It says that it cannot tell.
            return
        }
        let report = result.report
        func found(_ kind: VerificationReport.Kind) -> Set<Int> {
            Set(report[kind].examples.map { Int($0.position) - 1 })
        }
        let (missing, hidden, unproven) = (found(.missing), found(.hidden), found(.unproven))
        #expect(report.delivered == visible.count, "\(context): \(report)")
        #expect(result.missing.map { Int($0) - 1 } == missing.sorted())
        #expect(found(.doubled) == Set(visible.filter { $0.value > 1 }.keys), "\(context): \(report)")
        let verdict = report.verdict(allowingDoubles: true)
        for (range, way) in world.parts {
            for index in range where visible[index] == nil {
                switch way {
                case .never, .givenUp:
                    // Lost: it is named, or the reason why that cannot be known.
                    if !world.hasRetention, !world.compacts, report.openTransactions.isEmpty {
                        #expect(missing.contains(index) || unproven.contains(index), "\(index), \(context): \(report)")
                        #expect(verdict != .clean && verdict != .pending, "\(context): \(report)")
                    }
                case .open:
                    #expect(!missing.contains(index) && verdict != .clean, "\(index), \(context): \(report)")
                    #expect(hidden.contains(index) || unproven.contains(index) || world.hasRetention || world.compacts)
                case .plainly, .committed, .twice:
                    // It was there, and retention, compaction or an open transaction before it keep it from being seen.
                    #expect(!missing.contains(index), "\(index), \(context): \(report)")
                }
            }
        }
        if !missing.isEmpty { #expect(verdict == .wrong) }
    }
}
