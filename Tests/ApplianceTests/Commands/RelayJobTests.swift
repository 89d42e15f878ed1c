import EventSourcing
import Foundation
import Kafka
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Jobs that relays run: handed over, raced for, stopped, resumed, given back, taken over from the dead, and failed.
@Suite(.serialized) struct RelayJobTests {
    private static let quick = ["GODWIT_WORKER_HEARTBEAT_INTERVAL": "300ms", "GODWIT_WORKER_STALE_THRESHOLD": "3s"]

    private func queue(_ name: String, _ topic: String, _ more: String...) -> [String] {
        ["republish", "--job", name, "--consumer", "identity", "--queue", "--topic", topic] + more
    }

    /// What a job's row says, asked without a process of its own.
    private func row(_ place: RelayFixture, _ connection: Connection, _ name: String) async throws -> (
        state: String, wish: String, published: Int, owner: String
    ) {
        let table = place.test.tables.godwitTable("jobs")
        let rows = try await connection.query(
            BoundStatement(
                Statement("SELECT state, wish, published, coalesce(owner, '') FROM \(table.sql) WHERE name = $1"),
                [name]))
        guard let row = rows.first else { return ("", "", 0, "") }
        return (try row.decode(0), try row.decode(1), try row.decode(2), try row.decode(3))
    }

    private func wait(
        _ state: String, _ place: RelayFixture, _ connection: Connection, _ name: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await eventually("\(name) is never \(state)", sourceLocation: sourceLocation) {
            try await row(place, connection, name).state == state
        }
    }

    private func end(_ relays: RunningCommand...) async {
        for relay in relays { relay.send(SIGTERM) }
        for relay in relays { #expect(await relay.result().exitCode == 0) }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a relay runs what it is handed, everybody can watch it, and it can be had again`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.append(60)
            let topic = try await place.kafka.makeTopic("replay")
            // So long a heartbeat that only being told has the relay notice.
            let relay = try place.run([
                "GODWIT_WORKER_HEARTBEAT_INTERVAL": "300s", "GODWIT_WORKER_STALE_THRESHOLD": "900s",
            ])
            _ = try await place.receive(ids)
            let made = try await place.report(queue("week", topic, "--since", "7d"))
            #expect(["queued", "running", "done"].contains(made["state"]?.string ?? ""))
            #expect(made["courtesy"] == true)
            let watched = try await place.report(["jobs", "watch", "week"])
            #expect(watched["state"]?.string == "done" && watched["published"]?.integer == 60)
            let records = try await place.kafka.readAll([topic])
            #expect(records.eventIDs == ids && records.count == 60)
            #expect(records.allSatisfy { $0.header("godwit_republish_job") == "week" })
            // The same words again are the same job, also though 7d counts from another moment.
            #expect(try await place.report(queue("week", topic, "--since", "7d"))["state"]?.string == "done")
            try await place.expectRefusal(queue("week", topic, "--since", "8d"), 32, "first time")
            #expect(try await place.report(["jobs", "again", "week"])["job"]?.string == "week-2")
            #expect(try await place.report(["jobs", "watch", "week-2"])["published"]?.integer == 60)
            #expect(try await place.kafka.readAll([topic]).count == 120)
            let shown = try await place.report(["jobs", "show", "week"])
            #expect(shown["runs"]?.items.compactMap { $0["outcome"]?.string } == ["done"])
            #expect(shown["runs"]?.items.first?["published"]?.integer == 60)
            #expect(shown["created_by"]?.string?.contains("@") == true)
            let text = try await place.godwit(["jobs"]).standardOutput
            #expect(text.contains("week-2") && text.contains("done"), "\(text)")
            #expect(try await place.report(["jobs", "list", "--open"]).items.isEmpty)
            await end(relay)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `two relays that race for jobs run each once, and those of a consumer one after another`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(50)
            let topic = try await place.kafka.makeTopic("replay")
            let connection = try await place.test.connect()
            for number in 1...6 {
                _ = try await place.report(queue("j\(number)", topic, "--no-courtesy"))
            }
            let relays = try (0..<2).map { _ in try place.run(Self.quick) }
            try await wait("done", place, connection, "j6")
            for number in 1...6 { try await wait("done", place, connection, "j\(number)") }
            #expect(try await place.kafka.readAll([topic]).count == 300)
            let runs = try await connection.query(
                Statement(
                    """
                    SELECT job, count(*), bool_and(outcome = 'done'), min(started_at), max(ended_at)
                    FROM \(place.test.tables.godwitTable("job_runs").sql) GROUP BY 1 ORDER BY 4
                    """))
            #expect(try runs.map { try $0.decode(0, as: String.self) } == (1...6).map { "j\($0)" })
            var last = Date.distantPast
            for row in runs {
                #expect(try row.decode(1, as: Int.self) == 1 && row.decode(2, as: Bool.self))
                #expect(try row.decode(3, as: Date.self) >= last, "two jobs of a consumer ran at a time")
                last = try row.decode(4)
            }
            await connection.close()
            await end(relays[0], relays[1])
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a job whose relay is killed is gone on with by another, with few doubles and in order`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.appendBacklog(100, aggregates: 10)
            let topic = try await place.kafka.makeTopic("replay")
            let connection = try await place.test.connect()
            let first = try place.run(Self.quick)
            _ = try await place.report(queue("j", topic, "--rate", "200"))
            try await eventually("it never began") { try await row(place, connection, "j").published > 100 }
            let second = try place.run(Self.quick)
            first.send(SIGKILL)
            #expect(await first.result().exitCode == -SIGKILL)
            try await wait("done", place, connection, "j")
            let records = try await place.kafka.readAll([topic])
            #expect(records.eventIDs == ids && records.isInOrder)
            #expect(records.count < ids.count + 100, "\(records.count - ids.count) doubles")
            let shown = try await place.report(["jobs", "show", "j"])
            #expect(shown["runs"]?.items.compactMap { $0["outcome"]?.string } == ["interrupted", "done"])
            await connection.close()
            await end(second)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `delivered exactly once, a job doubles nothing when its relay is killed`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.appendBacklog(60, aggregates: 10)
            let topic = try await place.kafka.makeTopic("replay")
            let exactly = [
                "GODWIT_CONSUMERS_IDENTITY_DELIVERY": "exactly_once", "GODWIT_KAFKA_TOPICS_CREATE": "true",
                "GODWIT_CONSUMERS_IDENTITY_PROGRESS_TOPIC": "\(place.topic).progress",
            ].merging(Self.quick) { $1 }
            let connection = try await place.test.connect()
            let first = try place.run(exactly)
            let made = try await place.godwit(queue("j", topic, "--rate", "100"), exactly)
            #expect(made.exitCode == 0, "\(made.standardError)")
            try await eventually("it never began") { try await row(place, connection, "j").published > 60 }
            let second = try place.run(exactly)
            first.send(SIGKILL)
            _ = await first.result()
            try await eventually("it is never done", within: .seconds(60)) {
                try await row(place, connection, "j").state == "done"
            }
            let records = try await place.kafka.readAll([topic])
            #expect(records.eventIDs == ids && records.isInOrder)
            #expect(records.count == ids.count, "\(records.count - ids.count) came twice")
            await connection.close()
            await end(second)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a job is stopped, resumed and given back without a double, and cancelled for good`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.appendBacklog(60, aggregates: 10)
            let topic = try await place.kafka.makeTopic("replay")
            let connection = try await place.test.connect()
            let first = try place.run(Self.quick)
            _ = try await place.report(queue("j", topic, "--rate", "100"))
            try await eventually("it never began") { try await row(place, connection, "j").published > 20 }
            let began = ContinuousClock.now
            let stopped = try await place.report(["jobs", "stop", "j"])
            #expect(stopped["state"]?.string == "stopped")
            // With the command's own start.
            #expect(ContinuousClock.now - began < .seconds(5))
            let published = try await row(place, connection, "j").published
            #expect(try await place.report(["jobs", "stop", "j"])["state"]?.string == "stopped")
            #expect(try await place.kafka.readAll([topic]).count == published)
            let resumed = try await place.report(["jobs", "resume", "j"])
            #expect(["queued", "running"].contains(resumed["state"]?.string ?? ""))
            try await eventually("it never goes on") {
                try await row(place, connection, "j").published > published + 20
            }
            // A relay that ends gives it back, and another goes on.
            await end(first)
            #expect(try await row(place, connection, "j").state == "queued")
            let second = try place.run(Self.quick)
            try await wait("done", place, connection, "j")
            let records = try await place.kafka.readAll([topic])
            #expect(records.eventIDs == ids && records.count == ids.count && records.isInOrder)
            #expect(
                try await place.report(["jobs", "show", "j"])["runs"]?.items.compactMap { $0["outcome"]?.string }
                    == ["stopped", "given back", "done"])
            try await place.expectRefusal(["jobs", "stop", "j"], 32, "is done")
            _ = try await place.report(queue("k", topic, "--rate", "50"))
            try await eventually("it never began") { try await row(place, connection, "k").published > 5 }
            #expect(try await place.report(["jobs", "cancel", "k"])["state"]?.string == "cancelled")
            try await place.expectRefusal(["jobs", "resume", "k"], 32, "jobs again k")
            try await eventually("its run never ends") {
                try await place.report(["jobs", "show", "k"])["runs"]?.items.last?["outcome"]?.string == "cancelled"
            }
            #expect(try await row(place, connection, "k").published < 600)
            await connection.close()
            await end(second)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a job of a consumer that no relay has waits, and others pass it`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(10)
            let topic = try await place.kafka.makeTopic("replay")
            let connection = try await place.test.connect()
            let other = ["GODWIT_CONSUMERS_GONE_TOPIC": topic]
            let gone = ["republish", "--job", "gone", "--consumer", "gone", "--queue"]
            #expect(try await place.report(gone, other)["state"]?.string == "queued")
            let relay = try place.run(Self.quick)
            _ = try await place.report(queue("j", try await place.kafka.makeTopic("replay")))
            try await wait("done", place, connection, "j")
            #expect(try await row(place, connection, "gone").state == "queued")
            // A topic of another consumer is refused, whatever the consumer itself may write to.
            try await place.expectRefusal(queue("k", topic), 64, "consumer gone publishes to", other)
            #expect(try await place.report(["jobs", "cancel", "gone"])["state"]?.string == "cancelled")
            let off = try place.run(["GODWIT_JOBS_RUN": "false"].merging(Self.quick) { $1 })
            await end(relay)
            let idle = try await place.kafka.makeTopic("replay")
            #expect(try await place.report(queue("later", idle))["state"]?.string == "queued")
            try await Task.sleep(for: .seconds(2))
            #expect(try await row(place, connection, "later").state == "queued")
            await connection.close()
            await end(off)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a job that meets an event that Kafka cannot take has failed, shows everywhere, and holds no other up`()
        async throws
    {
        try await RelayFixture.with { place in
            _ = try await place.append(10)
            let large = "{\"text\": \"\(String(repeating: "x", count: 3_000))\"}"
            _ = try await place.append([.sample("large", payload: large)])
            let (replay, other) = (try await place.kafka.makeTopic("replay"), try await place.kafka.makeTopic("replay"))
            let small = ["GODWIT_KAFKA_MAX_RECORD_BYTES": "2000", "GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park"]
            let connection = try await place.test.connect()
            let relay = try place.run(small.merging(Self.quick) { $1 })
            _ = try await place.report(queue("bad", replay))
            _ = try await place.report(queue("good", other, "--to-position", "10"))
            try await wait("done", place, connection, "good")
            try await wait("failed", place, connection, "bad")
            #expect(try await place.kafka.readAll([replay]).count == 10, "what lies before the event")
            let status = try await place.godwit(["status"], small)
            #expect(status.exitCode == 4 && status.standardOutput.contains("GW-JOB-FAILED"), "\(status.standardOutput)")
            let watched = try await place.godwit(["jobs", "watch", "bad"])
            #expect(watched.exitCode == 24 && watched.standardOutput.contains("jobs resume bad"))
            _ = try await place.report(["jobs", "resume", "bad"])
            try await eventually("it is not tried again") {
                try await place.report(["jobs", "show", "bad"])["runs"]?.items.count == 2
            }
            try await wait("failed", place, connection, "bad")
            #expect(try await place.kafka.readAll([replay]).count == 10)
            await connection.close()
            await end(relay)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a job that a command runs is seen and stopped from elsewhere, and relays take it once it is resumed`()
        async throws
    {
        try await RelayFixture.with { place in
            let ids = try await place.appendBacklog(40, aggregates: 10)
            let topic = try await place.kafka.makeTopic("replay")
            let connection = try await place.test.connect()
            let relay = try place.run(Self.quick)
            let here = try place.start([
                "republish", "--job", "j", "--consumer", "identity", "--topic", topic, "--rate", "50",
            ])
            try await eventually("it never began") { try await row(place, connection, "j").published > 10 }
            #expect(try await place.report(["jobs", "show", "j"])["state"]?.string == "running")
            #expect(try await place.report(["jobs", "stop", "j"])["state"]?.string == "stopped")
            let result = await here.result()
            #expect(result.exitCode == 30, "\(result.standardError)")
            // No relay takes what an operator has in hand.
            let again = try place.start(["republish", "--job", "j"])
            try await eventually("it never goes on") { try await row(place, connection, "j").state == "running" }
            again.send(SIGTERM)
            #expect(await again.result().exitCode == 30)
            let stopped = try await row(place, connection, "j")
            #expect(stopped.state == "stopped" && stopped.wish.isEmpty)
            _ = try await place.report(["republish", "--job", "j", "--queue"])
            try await wait("done", place, connection, "j")
            let records = try await place.kafka.readAll([topic])
            #expect(records.eventIDs == ids && records.count == ids.count && records.isInOrder)
            await connection.close()
            await end(relay)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a job goes on in its relay when the database comes back`() async throws {
        let cluster = try await LocalPostgres.start()
        let connection = try await Connection.open(ConnectionConfiguration(cluster.url))
        _ = try await Schema().migrate(on: connection)
        for _ in 0..<20 {
            _ = try await connection.withTransaction {
                try await EventStore().append((0..<100).map { _ in .sample("user-1") }, expecting: .any, in: $0)
            }
        }
        await connection.close()
        let kafka = try await TestKafka()
        let (live, topic) = (try await kafka.makeTopic("identity"), try await kafka.makeTopic("replay"))
        let environment = [
            "GODWIT_DATABASE_URL": cluster.url, "GODWIT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrapServers,
            "GODWIT_CONSUMERS_IDENTITY_TOPIC": live, "GODWIT_WORKER_BATCH_SIZE": "50",
        ].merging(Self.quick) { $1 }
        let relay = try Command.godwit("run", environment: environment).start()
        var command = Command.godwit(environment: environment)
        command.arguments = queue("j", topic, "--rate", "400")
        #expect(try await command.run().exitCode == 0)
        _ = try await kafka.read([topic]) { $0.count >= 200 }
        // Not in an instant: the test's server forgets its last commits then.
        try await cluster.stopServer(.fast)
        try await cluster.startServer()
        command.arguments = ["jobs", "watch", "j", "--json"]
        let watched = try await command.run()
        #expect(watched.exitCode == 0, "\(watched.standardError)")
        #expect(try JSONValue(parsing: watched.standardOutput)["published"]?.integer == 2_000)
        let records = try await kafka.readAll([topic])
        #expect(records.eventIDs.count == 2_000 && records.isInOrder)
        await end(relay)
        await cluster.stop()
    }
}
