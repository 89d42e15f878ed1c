import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import KafkaTestBroker
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

@Suite struct RunCommandTests {
    @Test(.timeLimit(.minutes(5)))
    func `run relays, and SIGTERM drains and ends with 0, leaving nothing to publish again`() async throws {
        try await RelayFixture.with { place in
            let before = try await place.append(100)
            let relay = try place.run()
            _ = try await place.receive(before)
            let after = try await place.append(100, from: 100)
            let records = try await place.receive(before.union(after))
            #expect(records.allSatisfy { $0.value == Array("{}".utf8) && $0.header("bounded_context") == "Identity" })
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
            #expect(result.standardError.contains("stopping"))

            let again = try place.run()
            let last = try await place.append(1, from: 500)
            _ = try await place.receive(last)
            again.send(SIGINT)
            #expect(await again.result().exitCode == 0)
            let all = try await place.kafka.readAll([place.topic])
            #expect(all.count == 201)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `what a killed relay had in flight comes with the next one`() async throws {
        try await RelayFixture.with { place in
            var ids = try await place.append(300)
            for round in 1...3 {
                let relay = try place.run()
                // Some has arrived, some is under way.
                _ = try await place.kafka.read([place.topic]) { $0.count > 40 * round }
                relay.send(SIGKILL)
                #expect(await relay.result().exitCode == -SIGKILL)
                ids.formUnion(try await place.append(100, from: round * 1000))
            }
            let relay = try place.run()
            _ = try await place.receive(ids)
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    private func outcome(_ place: RelayFixture, _ more: [String: String] = [:]) async throws -> Command.Result {
        try await Command.godwit("run", environment: place.variables.merging(more) { $1 }).run()
    }

    private func expect(_ result: Command.Result, _ code: Int32, _ word: String) {
        #expect(result.exitCode == code, "\(result.standardError)")
        // The end of a log in JSON is JSON too.
        let lines = result.standardError.split(separator: "\n").filter { $0.contains(#""exit_code":"\#(code)""#) }
        #expect(lines.count == 1 && lines.first?.contains(word) == true, "\(result.standardError)")
        #expect(
            lines.first?.contains(#""level":"critical""#) == true
                && lines.first == result.standardError.split(separator: "\n").last)
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `a missing topic and missing rights have a code each`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                expect(try await outcome(place, ["GODWIT_CONSUMERS_IDENTITY_TOPIC": "absent"]), 22, "absent")
                await broker.inject(
                    Fault(.refuse(KafkaErrorCode(.topicAuthorizationFailed)), on: .metadata, topic: place.topic))
                expect(try await outcome(place), 23, place.topic)
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `topics that are to be created are there before the first event`() async throws {
        try await RelayFixture.with { place in
            let topic = place.kafka.uniqueTopic()
            let relay = try place.run([
                "GODWIT_CONSUMERS_IDENTITY_TOPIC": topic, "GODWIT_KAFKA_TOPICS_CREATE": "true",
                "GODWIT_KAFKA_TOPICS_PARTITIONS": "3",
            ])
            try await eventually("the topic is there") {
                try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
                    try await admin.describeTopics([topic]).first?.partitionCount == 3
                }
            }
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a missing table and a wrong password have a code each`() async throws {
        try await RelayFixture.with { place in
            expect(try await outcome(place, ["GODWIT_DATABASE_TABLES_EVENTS": "nothing"]), 12, "godwit migrate")
        }
        var options = LocalPostgres.Options()
        options.authentication = .scram(password: "right")
        let cluster = try await LocalPostgres.start(options)
        let result = try await Command.godwit(
            "run",
            environment: [
                "GODWIT_DATABASE_URL": cluster.url(user: "postgres", password: "wrong-hush"),
                "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:\(try LoopbackPort.free())",
                "GODWIT_CONSUMERS_A_TOPIC": "a",
            ]
        ).run()
        #expect(result.exitCode == 11, "\(result.standardError)")
        #expect(!result.standardError.contains("hush"))
        await cluster.stop()
    }

    @Test(.timeLimit(.minutes(5)))
    func `a database that goes and comes back is waited for, said once, and caught up with`() async throws {
        let cluster = try await LocalPostgres.start()
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic("identity")
        let connection = try await Connection.open(ConnectionConfiguration(cluster.url))
        _ = try await Schema().migrate(on: connection)
        await connection.close()
        let relay = try Command.godwit(
            "run",
            environment: [
                "GODWIT_DATABASE_URL": cluster.url, "GODWIT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrapServers,
                "GODWIT_CONSUMERS_IDENTITY_TOPIC": topic, "GODWIT_WORKER_POLL_INTERVAL": "20ms",
            ]
        ).start()
        func append(_ id: String) async throws {
            let connection = try await Connection.open(ConnectionConfiguration(cluster.url))
            _ = try await connection.withTransaction {
                try await EventStore().append([.sample(id)], expecting: .any, in: $0)
            }
            await connection.close()
        }
        func told(_ text: String = "the database is away") -> Int {
            relay.standardError.split(separator: "\n").count { $0.contains(text) }
        }
        func receive(_ count: Int) async throws {
            do {
                _ = try await kafka.read([topic]) { Set($0.map(\.key)).count == count }
            } catch {
                Issue.record("\(error)\n\(relay.standardError)")
                throw error
            }
        }
        for round in 1...3 {
            try await append("user-\(round)")
            try await receive(round)
            try await cluster.stopServer(round.isMultiple(of: 2) ? .immediate : .fast)
            // Those that follow soon are counted, once there are no more.
            try await eventually("it was not said: \(relay.standardError)") { told() > 0 }
            try await cluster.startServer()
            try await eventually("it is not back: \(relay.standardError)") { told("the database is back") > 0 }
        }
        try await append("user-4")
        try await receive(4)
        relay.send(SIGTERM)
        let result = await relay.result()
        #expect(result.exitCode == 0, "\(result.standardError)")
        #expect((1...3).contains(told()), "\(result.standardError)")
        await cluster.stop()
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `a stop while brokers acknowledge nothing says that work was let go, in words and by the exit code`()
        async throws
    {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                let relay = try place.run(["GODWIT_WORKER_SHUTDOWN_TIMEOUT": "2s"])
                _ = try await place.receive(try await place.append(5))
                let fault = await broker.inject(Fault(.hang, on: .produce))
                _ = try await place.append(5, from: 5)
                try await eventually("nothing is under way") { await broker.hits(ofFault: fault) > 0 }
                relay.send(SIGTERM)
                let result = await relay.result()
                #expect(result.exitCode == 3, "\(result.standardError)")
                #expect(result.standardError.contains("acknowledged everything under way of identity"))
            }
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `run starts while neither database nor broker is there, and a second signal lets go at once`() async throws {
        let relay = try Command.godwit(
            "run",
            environment: [
                "GODWIT_DATABASE_URL": "postgres://x@127.0.0.1:\(try LoopbackPort.free())/x",
                "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:\(try LoopbackPort.free())",
                "GODWIT_CONSUMERS_A_TOPIC": "a",
            ]
        ).start()
        #expect(await relay.waitForError("no Kafka broker answers"))
        #expect(await relay.waitForError("the database is away"))
        relay.send(SIGTERM)
        #expect(await relay.waitForError("stopping"))
        relay.send(SIGTERM)
        let result = await relay.result()
        #expect([0, 3].contains(result.exitCode), "\(result.standardError)")
    }
}
