import EventSourcing
import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `godwit republish` as a command: what it publishes, and what it refuses.
@Suite struct RepublishCommandTests {
    private static let hour: TimeInterval = 3_600
    private static let noon = Date(timeIntervalSince1970: 1_767_268_800)

    /// Thirty events, an hour apart, over two contexts, types and event types.
    private func sampleEvents() -> [Event] {
        (0..<30).map { number in
            var event = Event.sample(
                "user-\(number % 5)", context: number % 3 == 0 ? "Billing" : "Identity",
                aggregateType: number % 2 == 0 ? "User" : "Team", type: number % 4 == 0 ? "Changed" : "Registered")
            event.createdAt = Self.noon.addingTimeInterval(Double(number) * Self.hour)
            return event
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let options: [String]
        let holds: @Sendable (PersistedEvent) -> Bool

        init(_ name: String, _ options: String..., holds: @escaping @Sendable (PersistedEvent) -> Bool) {
            self.name = name
            self.options = options
            self.holds = holds
        }

        var testDescription: String { name }
    }

    private static let cases = [
        Case("positions", "--from-position", "7", "--to-position", "19") { (7...19).contains($0.globalPosition) },
        Case("from a time", "--from-time", "2026-01-01T22:00:00Z") {
            $0.createdAt >= noon.addingTimeInterval(10 * hour)
        },
        Case("times", "--from-time", "2026-01-01T13:00:00+01:00", "--to-time", "2026-01-01T14:30:00.5Z") {
            $0.globalPosition <= 3
        },
        Case("context", "--context", "Identity") { $0.boundedContext == "Identity" },
        Case("aggregate type", "--aggregate-type", "Team") { $0.aggregateType == "Team" },
        Case("aggregates", "--aggregate-id", "user-1", "--aggregate-id", "user-4") {
            ["user-1", "user-4"].contains($0.aggregateID)
        },
        Case("event type", "--event-type", "Changed") { $0.eventType == "Changed" },
        Case("all together", "--from-position", "3", "--aggregate-type", "User", "--event-type", "Registered") {
            $0.globalPosition >= 3 && $0.aggregateType == "User" && $0.eventType == "Registered"
        },
        Case("nothing", "--aggregate-id", "nobody") { _ in false },
    ]

    @Test(.timeLimit(.minutes(2)))
    func `a job publishes what was asked for and a dry run foretold, and nothing else`() async throws {
        try await RelayFixture.with { place in
            let events = try await place.append(sampleEvents())
            for (number, one) in Self.cases.enumerated() {
                let topic = try await place.kafka.makeTopic("replay")
                let options = ["--consumer", "all", "--to-topic", topic] + one.options
                let all = ["GODWIT_CONSUMERS_ALL_TOPIC": place.topic]
                let wanted = events.filter(one.holds)
                let code: Int32 = wanted.isEmpty ? 5 : 0
                let count = try await place.report(["republish", "--dry-run"] + options, all, exits: code)
                #expect(try await place.kafka.readAll([topic]).isEmpty)
                let job = try await place.report(["republish", "--job", "job-\(number)"] + options, all, exits: code)
                let records = try await place.kafka.readAll([topic])
                #expect(records.eventIDs == Set(wanted.map { $0.eventID.uuidString.lowercased() }), "\(one.name)")
                #expect(records.count == wanted.count, "\(one.name)")
                #expect(count["events"]?.integer == wanted.count, "\(one.name)")
                #expect(count["topics"]?.items.first?["events"]?.integer ?? 0 == wanted.count, "\(one.name)")
                #expect(job["published"]?.integer == wanted.count, "\(one.name)")
                #expect(job["state"]?.string == "done")
            }
            #expect(try await place.kafka.readAll([place.topic]).isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a template leads to the topics that a dry run counts, and is held to the allowlist`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(sampleEvents())
            let stem = place.kafka.uniqueTopic("by")
            let variables = [
                "GODWIT_KAFKA_TOPICS_CREATE": "true",
                "GODWIT_CONSUMERS_IDENTITY_TOPICS_ALLOWED": "\(place.topic), \(stem).*",
            ]
            let options = ["--consumer", "identity", "--to-topic", "\(stem).{aggregate_type|lower}"]
            let count = try await place.report(["republish", "--dry-run"] + options, variables)
            let topics = try #require(count["topics"]).items
            #expect(topics.compactMap { $0["topic"]?.string } == ["\(stem).team", "\(stem).user"])
            _ = try await place.report(["republish", "--job", "by-type"] + options, variables)
            for topic in topics {
                let records = try await place.kafka.readAll([try #require(topic["topic"]?.string)])
                #expect(records.count == topic["events"]?.integer)
            }
            let other = ["republish", "--job", "other", "--consumer", "identity", "--to-topic"]
            // What an operator names needs no place in the live consumer's allowlist, but is nobody else's.
            let others = [
                "GODWIT_CONSUMERS_OTHER_TOPIC": "elsewhere", "GODWIT_CONSUMERS_THIRD_TOPIC": "x.{aggregate_type}",
            ]
            .merging(variables) { $1 }
            try await place.expectRefusal(other + ["elsewhere"], 64, "consumer other publishes to", others)
            try await place.expectRefusal(other + ["x.{event_type}"], 64, "consumer third publishes to", others)
            let elsewhere = try await place.report(
                ["republish", "--dry-run", "--consumer", "identity", "--to-topic", "elsewhere"], variables)
            #expect(elsewhere["topics"]?.items.first?["topic"]?.string == "elsewhere")
            try await place.expectRefusal(other + ["a b"], 64, "not allowed in a topic", variables)
            let flaws = try await place.report(
                ["republish", "--dry-run", "--consumer", "identity", "--to-topic", "\(stem){event_type}"], variables)
            #expect(flaws["cannot_be_published"]?.items.reduce(0) { $0 + ($1["events"]?.integer ?? 0) } == 20)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `records say that they are a republish and of which job, and the consumer's checkpoints stay`() async throws {
        try await RelayFixture.with { place in
            let live = try place.run()
            var event = Event.sample()
            event.createdAt = Self.noon
            _ = try await place.append([event])
            _ = try await place.receive(try await place.append(20))
            live.send(SIGTERM)
            _ = await live.result()
            let tables = place.test.tables
            let before = try await (place.rows(of: tables.consumerSegments), place.rows(of: tables.consumerWorkers))
            let began = Date()
            _ = try await place.report(["republish", "--job", "again", "--consumer", "identity"])
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.count == 42)
            let (again, first) = (
                records.filter { $0.header("godwit_republish_job") == "again" },
                records.filter { $0.header("godwit_republish_job") == nil }
            )
            #expect(again.eventIDs == first.eventIDs && again.count == 21)
            for record in again {
                #expect(record.header("godwit_original_time") == record.header("created_at"))
                let time = try #require(record.timestamp)
                #expect(Double(time) / 1_000 >= began.timeIntervalSince1970 - 1)
            }
            #expect(again.contains { $0.header("godwit_original_time") == "2026-01-01T12:00:00.000000Z" })
            #expect(first.allSatisfy { $0.header("godwit_original_time") == nil })
            #expect(try await place.rows(of: tables.consumerSegments) == before.0)
            #expect(try await place.rows(of: tables.consumerWorkers) == before.1)
            let audit = try await place.rows(of: tables.godwitTable("audit"))
            #expect(audit.count == 1 && audit[0].contains("job again") && audit[0].contains("@"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what cannot be is refused, and says what to do`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(sampleEvents())
            let job = ["republish", "--job", "j"]
            try await place.expectRefusal(job, 32, "there is no job j")
            try await place.expectRefusal(["republish", "--consumer", "identity"], 64, "--job NAME")
            try await place.expectRefusal(job + ["--consumer", "nobody"], 64, "it has identity")
            let identity = job + ["--consumer", "identity"]
            let reversed = identity + ["--from-position", "9", "--to-position", "3"]
            try await place.expectRefusal(reversed, 64, "exchange the two")
            try await place.expectRefusal(
                identity + ["--from-time", "2026-01-02T00:00:00Z", "--to-time", "2026-01-01T00:00:00Z"], 64,
                "exchange the two")
            try await place.expectRefusal(identity + ["--from-time", "whenever"], 64, "write 7d")
            try await place.expectRefusal(identity + ["--to-position", "31"], 64, "does not exist yet, the last is 30")
            try await place.expectRefusal(identity + ["--from-position", "31"], 64, "does not exist yet")
            try await place.expectRefusal(identity + ["--context", "Billing"], 64, "it carries Identity")
            try await place.expectRefusal(identity + ["--rate", "0"], 64, "above 0")
            try await place.expectRefusal(
                ["republish", "--job", "a b", "--consumer", "identity"], 64, "is no name for a job")
            try await place.expectRefusal(["republish", "--cancel", "j"], 32, "there is no job j")
            try await place.expectRefusal(
                identity, 22, "absent", ["GODWIT_CONSUMERS_IDENTITY_TOPIC": "absent"])

            // What was refused for the topic exists; fixed, it goes on.
            let done = try await place.report(identity)
            #expect(done["state"]?.string == "done" && done["published"]?.integer == 20)
            let again = try await place.report(identity)
            #expect(again["published"]?.integer == 20)
            #expect(try await place.report(job)["state"]?.string == "done")
            #expect(try await place.kafka.readAll([place.topic]).count == 20)
            try await place.expectRefusal(
                identity + ["--event-type", "Changed", "--from-position", "2"], 32, "(first position, event types)")
            try await place.expectRefusal(job + ["--event-type", "Changed"], 64, "--consumer")
            try await place.expectRefusal(["republish", "--cancel", "j"], 32, "is done")
            #expect(try await place.report(["republish", "--list"]).items.count == 1)
            let list = try await place.godwit(["republish", "--list"])
            #expect(list.standardOutput.contains("done") && list.standardOutput.contains("100 %"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `an event that is still being written when the job is made belongs to it`() async throws {
        try await RelayFixture.with { place in
            let url = place.test.url + (place.test.url.contains("?") ? "&" : "?") + "application_name="
            let writer = try await place.test.connect()
            let job: RunningCommand = try await writer.withTransaction { transaction in
                try await place.test.store.append([.sample("slow")], expecting: .any, in: transaction)
                _ = try await place.append([.sample("quick")])
                let job = try place.start(
                    ["republish", "--job", "j", "--consumer", "identity"],
                    ["GODWIT_DATABASE_URL": url + place.test.tables.godwitSchema])
                var looks: Set<String> = []
                try await eventually("the job does not wait") {
                    looks.formUnion(try await place.test.drawnAndWriterss(place.test.tables.godwitSchema))
                    return looks.count > 3
                }
                return job
            }
            await writer.close()
            let result = await job.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.compactMap { $0.header("aggregate_id") }.sorted() == ["quick", "slow"])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `an event that can never be delivered ends the job behind what came before it`() async throws {
        try await RelayFixture.with { place in
            var events = (0..<5).map { Event.sample("user-\($0)") }
            events[3].payload = Array(repeating: 120, count: 5_000)
            let stored = try await place.append(events)
            let small = ["GODWIT_KAFKA_MAX_RECORD_BYTES": "2000"]
            let make = ["republish", "--job", "j", "--consumer", "identity"]
            try await place.expectRefusal(make, 24, "position \(stored[3].globalPosition)", small)
            let job = try #require(try await place.report(["republish", "--list"]).items.first)
            #expect(job["state"]?.string == "failed" && job["published"]?.integer == 3)
            #expect(job["checkpoint"]?.integer == Int(stored[2].globalPosition))
            #expect(job["error"]?.string?.contains("2000 are allowed") == true)
            #expect(try await place.kafka.readAll([place.topic]).count == 3)
            #expect(try await place.report(make)["published"]?.integer == 5)
            #expect(try await place.kafka.readAll([place.topic]).count == 5)
        }
    }
}

extension TestStore {
    /// When sessions of an application last looked for the horizon.
    func drawnAndWriterss(_ application: String) async throws -> [String] {
        let connection = try await connect()
        let rows = try await connection.query(
            "SELECT query_start::text FROM pg_stat_activity WHERE query LIKE $1 AND application_name = $2",
            "%pg_sequence_last_value%", application)
        await connection.close()
        return try rows.map { try $0.decode(0) }
    }
}
