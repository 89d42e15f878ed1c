import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `godwit parked`, with relays as processes.
@Suite struct ParkedCommandTests {
    private static let policy = [
        "GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park", "GODWIT_KAFKA_MAX_RECORD_BYTES": "5000",
    ]

    private func append(_ place: RelayFixture, _ aggregate: String, bytes: Int) async throws {
        let connection = try await place.test.connect()
        let event = Event.sample(aggregate, payload: String(repeating: "x", count: bytes))
        _ = try await connection.withTransaction {
            try await place.test.store.append([event], expecting: .any, in: $0)
        }
        await connection.close()
    }

    private func parked(_ place: RelayFixture, _ arguments: String...) async throws -> Command.Result {
        var command = Command.godwit("parked", environment: place.variables)
        command.arguments += arguments
        return try await command.run()
    }

    /// The open dead letters as `position state`.
    private func open(_ place: RelayFixture) async throws -> [String] {
        let result = try await parked(place, "list", "--json")
        #expect(result.exitCode == 0, "\(result.standardError)")
        guard case .array(let events)? = try JSONParser.parse(result.standardOutput)["events"] else { return ["?"] }
        return events.map { event in
            guard case .number(let position)? = event["position"], case .string(let state)? = event["state"] else {
                return "?"
            }
            return "\(position) \(state)"
        }
    }

    private func audit(_ place: RelayFixture) async throws -> [String] {
        let connection = try await place.test.connect()
        let rows: [String] = try await connection.query(AuditLog(place.test.tables).newest(10)).map { row in
            "\(try row.decode(1, as: String.self)) \(try row.decode(2, as: String.self)): \(try row.decode(3, as: String.self))"
        }
        await connection.close()
        return rows
    }

    @Test(.timeLimit(.minutes(4)))
    func `what is parked is listed, shown, redriven and discarded, and every decision is audited`() async throws {
        try await RelayFixture.with { place in
            let first = try place.run(Self.policy)
            try await append(place, "a", bytes: 10)
            try await append(place, "a", bytes: 20_000)
            try await append(place, "b", bytes: 20_000)
            try await append(place, "a", bytes: 11)
            try await append(place, "b", bytes: 12)
            try await eventually("not parked") { try await open(place).count == 4 }
            #expect(try await open(place) == ["2 parked", "3 parked", "4 parked", "5 parked"])
            let text = try await parked(place, "list", "--aggregate", "a").standardOutput
            #expect(text.contains("parked behind") && text.contains("Identity/User/a") && !text.contains("User/b"))
            let shown = try await parked(place, "show", "--consumer", "identity", "--position", "2")
            #expect(shown.standardOutput.contains("too_large") && shown.standardOutput.contains("5000 are allowed"))
            first.send(SIGTERM)
            #expect(await first.result().exitCode == 0)

            // Fixed, and decided while no relay runs: the next one acts on it.
            let redriven = try await parked(place, "redrive", "--consumer", "identity", "--aggregate", "a", "--json")
            #expect(redriven.exitCode == 0, "\(redriven.standardError)")
            let second = try place.run(["GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park"])
            try await eventually("not redriven") { try await open(place) == ["3 parked", "5 parked"] }
            let discarded = try await parked(place, "discard", "--consumer", "identity", "--position", "3")
            #expect(discarded.standardOutput.contains("discarded 1 event at position 3"))
            try await eventually("what waited does not flow") { try await open(place).isEmpty }
            let records = try await place.kafka.read([place.topic]) { $0.count >= 4 }
            #expect(records.filter { $0.header("aggregate_id") == "a" }.map { $0.value?.count } == [10, 20_000, 11])
            #expect(records.filter { $0.header("aggregate_id") == "b" }.map { $0.value?.count } == [12])
            second.send(SIGTERM)
            #expect(await second.result().exitCode == 0)
            #expect(
                try await audit(place) == [
                    #"discard consumer identity: position 3 of "Identity/User" "b""#,
                    #"redrive consumer identity: position 2 of "Identity/User" "a""#,
                ])
            #expect(try await parked(place, "list").standardOutput == "nothing is parked\n")
        }
    }

    @Test(.timeLimit(.minutes(4)))
    func `a mistake changes nothing, says what is wrong, and has a code`() async throws {
        try await RelayFixture.with { place in
            let relay = try place.run(Self.policy)
            try await append(place, "a", bytes: 20_000)
            try await eventually("not parked") { try await open(place) == ["1 parked"] }
            relay.send(SIGTERM)
            _ = await relay.result()
            let cases: [([String], Int32, String)] = [
                (["redrive", "--consumer", "idenity", "--all"], 64, "there are identity"),
                (["redrive", "--consumer", "identity", "--position", "9"], 33, "position 9 is not parked"),
                (["discard", "--consumer", "identity", "--aggregate", "x"], 33, "nothing of what was asked for"),
                (["show", "--consumer", "identity", "--position", "9"], 33, "position 9 is not parked"),
                (["discard", "--consumer", "identity"], 64, "--all"),
                (["discard", "--consumer", "identity", "--all", "--position", "1"], 64, "no other choice"),
            ]
            for (arguments, code, word) in cases {
                var command = Command.godwit("parked", environment: place.variables)
                command.arguments += arguments
                let result = try await command.run()
                #expect(result.exitCode == code && result.standardError.contains(word), "\(result)")
            }
            #expect(try await open(place) == ["1 parked"])
            #expect(try await audit(place).isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(4)))
    func `a halted segment leaves the process and the others at work, and is skipped on demand`() async throws {
        try await RelayFixture.with { place in
            let relay = try place.run(["GODWIT_KAFKA_MAX_RECORD_BYTES": "5000"])
            try await append(place, "a", bytes: 20_000)
            #expect(await relay.waitForError("a segment halts"))
            try await eventually("not noted") { try await open(place) == ["1 halted"] }
            let ids = try await place.append(20)
            try await append(place, "a", bytes: 10)
            #expect(try await parked(place, "discard", "--consumer", "identity", "--all").exitCode == 0)
            let records = try await place.kafka.read([place.topic]) { $0.count >= 21 }
            #expect(ids.isSubset(of: records.eventIDs) && records.count == 21)
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }
}
