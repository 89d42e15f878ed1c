import EventSourcing
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Every command goes by the consumer's filter.
@Suite(.timeLimit(.minutes(2))) struct FilteredCommandsTests {
    private let folder = TestFolderOnce()

    private final class TestFolderOnce: Sendable {
        let folder = Result { try TestFolder() }
    }

    /// What a command takes its filter from.
    private func arguments(_ place: RelayFixture, _ filter: String) throws -> [String] {
        let text = "consumers: { identity: { \(filter) } }"
        let name = "\(place.topic)-\(filter.hashValue).yaml"
        return ["--config", try folder.folder.get().write(name, text)]
    }

    private func events(_ count: Int) -> [Event] {
        (0..<count).map { number in
            Event.sample(
                "user-\(number % 5)", type: ["Placed", "Paid", "Draft"][number % 3],
                payload: #"{"country":"\#(number.isMultiple(of: 2) ? "DE" : "FR")","n":\#(number)}"#)
        }
    }

    static let cases: [(filter: String, count: Int)] = [
        ("event_types: [\"P*\"]", 40), ("except_event_types: [Draft, Paid]", 20), ("where: { /country: DE }", 30),
        ("event_types: [Placed], except_where: { /country: [DE] }", 10), ("where: { /country: CH }", 0),
    ]

    @Test(arguments: cases, ["at_least_once", "exactly_once"])
    func `what is published, verified, counted and published again is what the filter lets pass`(
        one: (filter: String, count: Int), delivery: String
    ) async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(events(60))
            let variables = [
                "GODWIT_CONSUMERS_IDENTITY_DELIVERY": delivery, "GODWIT_KAFKA_TOPICS_CREATE": "true",
                "GODWIT_KAFKA_TOPICS_REPLICATION_FACTOR": "1",
                "GODWIT_CONSUMERS_IDENTITY_PROGRESS_TOPIC": delivery == "exactly_once" ? "\(place.topic).progress" : "",
            ].filter { !$0.value.isEmpty }
            let file = try arguments(place, one.filter)
            let caughtUp = try await place.report(["catch-up", "identity"] + file, variables)
            #expect(caughtUp["published"]?.integer == one.count)
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.count == one.count && records.eventIDs.count == one.count)

            // To have found nothing to look at is not to have found everything.
            let nothing: Int32 = one.count == 0 ? 5 : 0
            let report = try await place.report(
                ["verify", "--consumer", "identity"] + file, variables, exits: nothing)
            #expect(report["committed"]?.integer == one.count, "\(report.text)")
            if one.count > 0 { #expect(report["clean"] == true, "\(report.text)") }

            let status = try await place.godwit(["status", "--json"] + file, variables)
            let consumer = try JSONValue(parsing: status.standardOutput)["consumers"]?.items.first
            #expect(consumer?["lag_events"]?.integer == 0, "\(status.standardOutput)")

            let again = [
                "republish", "--job", "again-\(place.topic)", "--consumer", "identity", "--to-topic",
                "\(place.topic).again",
            ]
            let dry = try await place.report(
                again + ["--dry-run"] + file, variables, exits: nothing)
            #expect(dry["events"]?.integer == one.count, "\(dry.text)")
            let done = try await place.report(again + file, variables, exits: nothing)
            #expect(done["published"]?.integer == one.count, "\(done.text)")
            if one.count > 0 {
                let copies = try await place.kafka.readAll(["\(place.topic).again"])
                #expect(copies.eventIDs == records.eventIDs)
            }
        }
    }

    @Test func `a record that is missing is found, one that the filter left out is not missed`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(events(60))
            let (narrow, wide) = (
                try arguments(place, "event_types: [Paid]"), try arguments(place, "where: { /country: DE }")
            )
            _ = try await place.report(["catch-up", "identity"] + narrow)
            let report = try await place.report(["verify", "--consumer", "identity"] + narrow)
            #expect(report["clean"] == true && report["delivered"]?.integer == 20)
            // What the wider filter would have taken was passed over by the one of the time.
            let later = try await place.report(["verify", "--consumer", "identity"] + wide)
            #expect(later["clean"] == true && later["committed"]?.integer == 30, "\(later.text)")
            #expect(later["delivered"]?.integer == 10, "\(later.text)")

            let doctor = try await place.godwit(["doctor", "--json"] + wide)
            #expect(doctor.standardOutput.contains("passes over 20 earlier events"), "\(doctor.standardOutput)")
        }
    }

    @Test func `an event of which the filter cannot decide halts its segment, and says why`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append([.sample("a", payload: "not JSON"), .sample("b", payload: #"{"country":"DE"}"#)])
            let file = try arguments(place, "where: { /country: DE }")
            let result = try await place.godwit(["catch-up", "identity"] + file)
            #expect(result.exitCode != 0)
            #expect(result.standardError.contains("its payload is not JSON"), "\(result.standardError)")
            let parked = ["GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park"]
            #expect(try await place.report(["catch-up", "identity"] + file, parked)["published"] != nil)
            #expect(try await place.kafka.readAll([place.topic]).count == 1)
        }
    }

    @Test func `a filter looks into payloads that no topic takes`() async throws {
        try await RelayFixture.with { place in
            let large = String(repeating: "x", count: 200_000)
            _ = try await place.append([
                .sample("a", type: "Erased", payload: #"{"country":"FR","text":"\#(large)"}"#),
                .sample("a", payload: #"{"country":"FR","text":"\#(large)"}"#),
                .sample("a", payload: #"{"country":"DE"}"#),
            ])
            let file = try arguments(place, "where: { /country: DE }, tombstone_on: [Erased]")
            let small = ["GODWIT_KAFKA_MAX_RECORD_BYTES": "100000"]
            #expect(try await place.report(["catch-up", "identity"] + file, small)["published"]?.integer == 1)
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.map { $0.value.map { String(decoding: $0, as: UTF8.self) } } == [#"{"country":"DE"}"#])
            for options in [[], ["--values"]] {
                let report = try await place.report(
                    ["verify", "--consumer", "identity"] + options + file, small)
                #expect(report["clean"] == true && report["committed"]?.integer == 1, "\(report.text)")
            }
            let again = try await place.report(
                ["republish", "--consumer", "identity", "--dry-run"] + file, small)
            #expect(again["events"]?.integer == 1, "\(again.text)")
        }
    }

    @Test func `a value is reduced before its size counts`() async throws {
        try await RelayFixture.with { place in
            let large = String(repeating: "x", count: 200_000)
            _ = try await place.append([.sample("a", payload: #"{"n":1,"text":"\#(large)"}"#)])
            let file = try arguments(place, "value: { keep: [/n] }")
            let small = ["GODWIT_KAFKA_MAX_RECORD_BYTES": "100000"]
            let preview = try await place.godwit(["preview", "--consumer", "identity", "--json"] + file, small)
            #expect(
                preview.standardOutput.contains("\"published\": true")
                    || preview.standardOutput.contains("\"published\":true"))
            #expect(try await place.report(["catch-up", "identity"] + file, small)["published"]?.integer == 1)
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.map { $0.value.map { String(decoding: $0, as: UTF8.self) } } == [#"{"n":1}"#])
        }
    }

    @Test func `an event type that the filter leaves out cannot be published again`() async throws {
        try await RelayFixture.with { place in
            let file = try arguments(place, "event_types: [\"P*\"]")
            try await place.expectRefusal(
                ["republish", "--job", "j", "--consumer", "identity", "--event-type", "Draft"] + file, 64,
                "does not carry the event type Draft")
        }
    }
}
