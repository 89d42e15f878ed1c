import EventSourcing
import Foundation
import Kafka
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Republish jobs that are killed, stopped, cancelled, met by others, and cut off from their servers.
@Suite(.serialized) struct RepublishRecoveryTests {
    private let make = ["republish", "--job", "j", "--consumer", "identity"]
    private let resume = ["republish", "--job", "j"]

    private func job(_ place: RelayFixture) async throws -> JSONValue {
        try await place.report(["republish", "--list"]).items.first ?? [:]
    }

    /// What the job has saved, asked without a process of its own, which would take its time on a busy machine.
    private func snapshot(_ place: RelayFixture, _ connection: Connection) async throws -> (
        published: Int, state: String
    ) {
        let table = place.test.tables.godwitTable("jobs")
        let row = try await connection.query(Statement("SELECT published, state FROM \(table.sql)")).first
        return (try row?.decode(0) ?? 0, try row?.decode(1) ?? "")
    }

    private func waitForRecords(_ count: Int, _ place: RelayFixture) async throws {
        _ = try await place.kafka.read([place.topic]) { $0.count >= count }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a job that is killed three times goes on from its checkpoint, and ends complete and in order`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.appendBacklog(100, aggregates: 20)
            let connection = try await place.test.connect()
            for round in 1...3 {
                let before = try await snapshot(place, connection).published
                let process = try place.start(round == 1 ? make + ["--rate", "100"] : resume)
                try await eventually("round \(round) never saved") {
                    try await snapshot(place, connection).published > before + 60
                }
                process.send(SIGKILL)
                #expect(await process.result().exitCode == -SIGKILL)
                #expect(try await snapshot(place, connection).state == "running")
                try await eventually("the death was never seen") {
                    try await job(place)["state"]?.string == "interrupted"
                }
            }
            let saved = try await snapshot(place, connection).published
            await connection.close()
            #expect(saved < ids.count, "the job was too short to be killed in the midst of it")
            let report = try await place.report(resume + ["--rate", "1000000"])
            #expect(report["state"]?.string == "done" && report["published"]?.integer == ids.count)
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.eventIDs == ids)
            #expect(records.isInOrder)
            // At 100 events/s there are few between two checkpoints.
            #expect(records.count < ids.count + saved, "it began anew")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a job leaves out what was discarded, and goes on behind the one it halted at`() async throws {
        try await RelayFixture.with { place in
            let large = #"{"text":"\#(String(repeating: "x", count: 8_000))"}"#
            let first = try await place.append(10)
            _ = try await place.append([.sample("large", payload: large)])
            let last = try await place.append(10, from: 10)
            let park = ["GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park", "GODWIT_KAFKA_MAX_RECORD_BYTES": "5000"]
            #expect(try await place.report(["catch-up", "identity"], park)["parked"]?.integer == 1)
            let halted = try await place.godwit(make, park)
            #expect(halted.exitCode != 0 && halted.standardError.contains("position 11"), "\(halted.standardError)")
            let count = ["republish", "--dry-run", "--consumer", "identity"]
            #expect(try await place.report(count, park)["events"]?.integer == 21)
            var discard = Command.godwit("parked", environment: place.variables)
            discard.arguments += ["discard", "--consumer", "identity", "--position", "11"]
            #expect(try await discard.run().exitCode == 0)
            #expect(try await place.report(count, park)["events"]?.integer == 20)
            let report = try await place.report(resume, park)
            #expect(report["state"]?.string == "done" && report["published"]?.integer == 20, "\(report)")
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.eventIDs == first.union(last))
            #expect(records.count == 40)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a job of a consumer that delivers exactly once does so too, killed and set back`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.appendBacklog(100, aggregates: 20)
            let connection = try await place.test.connect()
            let exactly = [
                "GODWIT_CONSUMERS_IDENTITY_DELIVERY": "exactly_once", "GODWIT_KAFKA_TOPICS_CREATE": "true",
                "GODWIT_CONSUMERS_IDENTITY_PROGRESS_TOPIC": "\(place.topic).progress",
            ]
            let jobs = place.test.tables.godwitTable("jobs").sql
            for round in 1...4 {
                let before = try await snapshot(place, connection).published
                let process = try place.start(round == 1 ? make + ["--rate", "150"] : resume, exactly)
                try await eventually("round \(round) never saved") {
                    try await snapshot(place, connection).published > before + 40
                }
                process.send(SIGKILL)
                #expect(await process.result().exitCode == -SIGKILL)
                // A server that loses its last commits knows less than Kafka.
                if round > 1 { try await connection.execute(script: "UPDATE \(jobs) SET checkpoint = after_position") }
            }
            let report = try await place.report(resume + ["--rate", "1000000"], exactly)
            #expect(report["state"]?.string == "done")
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.eventIDs == ids)
            #expect(records.count == ids.count, "\(records.count - ids.count) events came twice")
            #expect(records.isInOrder)
            // Its own live flow has a progress apart from the job's.
            let live = try await place.report(["catch-up", "identity"], exactly)
            #expect(live["published"]?.integer == ids.count)
            let left = try await connection.query(
                Statement(
                    """
                    SELECT count(*) FROM \(place.test.tables.godwitTable("transactional_segments").sql)
                    WHERE consumer_name LIKE 'republish %'
                    """))
            #expect(try left.first?.decode(0, as: Int.self) == 0)
            await connection.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a job that is told to stop ends with 30, doubles nothing, and keeps the end it was made with`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.appendBacklog(60, aggregates: 20)
            let process = try place.start(make + ["--rate", "500"])
            try await waitForRecords(100, place)
            process.send(SIGTERM)
            let result = await process.result()
            #expect(result.exitCode == 30, "\(result.standardError)")
            #expect(result.standardError.contains("godwit republish --job j"))
            let stopped = try await job(place)
            #expect(stopped["state"]?.string == "stopped")
            #expect(stopped["published"]?.integer == (try await place.kafka.readAll([place.topic]).count))
            let left = try await place.report(["republish", "--job", "j", "--dry-run"])
            #expect(left["events"]?.integer == ids.count - (stopped["published"]?.integer ?? 0))
            _ = try await place.append(10, from: 5_000)
            #expect(try await place.report(resume + ["--rate", "100000"])["state"]?.string == "done")
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.eventIDs == ids && records.count == ids.count && records.isInOrder)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a second process on a job is refused, and cancelling ends the first for good`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.appendBacklog(100, aggregates: 20)
            let process = try place.start(make + ["--rate", "100"])
            try await waitForRecords(10, place)
            try await place.expectRefusal(resume, 31, "process \(process.processID)")
            let cancelled = try await place.report(["republish", "--cancel", "j"])
            #expect(cancelled["state"]?.string == "cancelled")
            let result = await process.result()
            #expect(result.exitCode == 32 && result.standardError.contains("was cancelled"), "\(result.standardError)")
            let count = try await place.kafka.readAll([place.topic]).count
            try await place.expectRefusal(resume, 32, "was cancelled")
            try await place.expectRefusal(make, 32, "was cancelled")
            try await place.expectRefusal(["republish", "--cancel", "j"], 32, "was cancelled")
            #expect(try await place.kafka.readAll([place.topic]).count == count && count < 2_000)
            #expect(try await job(place)["state"]?.string == "cancelled")
            #expect(try await place.rows(of: place.test.tables.godwitTable("audit")).count == 2)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `servers that go and come back in the midst of a job are waited for`() async throws {
        let cluster = try await LocalPostgres.start()
        let connection = try await Connection.open(ConnectionConfiguration(cluster.url))
        _ = try await Schema().migrate(on: connection)
        for _ in 0..<20 {
            _ = try await connection.withTransaction {
                try await EventStore().append(
                    (0..<100).map { _ in .sample("user-1") }, expecting: .any, in: $0)
            }
        }
        await connection.close()
        try await BrokerProcess.with { broker in
            let kafka = TestKafka(bootstrapServers: broker.bootstrapServers)
            let topic = try await kafka.makeTopic("identity")
            var command = Command.godwit(
                environment: [
                    "GODWIT_DATABASE_URL": cluster.url, "GODWIT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrapServers,
                    "GODWIT_CONSUMERS_IDENTITY_TOPIC": topic, "GODWIT_WORKER_BATCH_SIZE": "50",
                    "GODWIT_KAFKA_PROPERTIES_RECONNECT_BACKOFF_MAX_MS": "100",
                ])
            command.arguments = make + ["--rate", "500", "--json"]
            let process = try command.start()
            _ = try await kafka.read([topic]) { $0.count >= 100 }
            // Not in an instant: the test's server forgets its last commits then.
            try await cluster.stopServer(.fast)
            #expect(await process.waitForError("the database is away"))
            try await cluster.startServer()
            let before = try await kafka.readAll([topic]).count
            _ = try await kafka.read([topic]) { $0.count > before + 100 }
            await broker.end(SIGKILL)
            #expect(await process.waitForError("cannot be reached"))
            try await broker.start()
            let result = await process.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
            let records = try await kafka.readAll([topic])
            #expect(records.eventIDs.count == 2_000 && records.isInOrder)
            #expect(try JSONValue(parsing: result.standardOutput)["published"]?.integer == 2_000)
        }
        await cluster.stop()
    }
}
