import EventSourcing
import FoundationEssentials
import Glibc
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `godwit tail` as a process.
@Suite struct TailCommandTests {
    private func tail(_ place: RelayFixture, _ more: String...) throws -> RunningCommand {
        var command = Command.godwit("tail", "--consumer", "identity", environment: place.variables)
        command.arguments += more
        return try command.start()
    }

    @Test(.timeLimit(.minutes(2)))
    func `events are shown as they settle, in order, and an interrupt ends it with 0`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(2)
            let tail = try tail(place, "--from", "1", "--json")
            #expect(await tail.waitForOutput("\"position\":2,"), "\(tail.standardError)")
            let writer = try await place.test.connect()
            try await writer.execute(script: "BEGIN")
            let held = try await place.insert(["aggregate_id": "'held'"], on: writer)
            _ = try await place.append(1, from: 2)
            // What is committed behind an open transaction waits for it, and the transaction is named.
            #expect(await tail.waitForError("wait for open transactions"))
            #expect(!tail.standardOutput.contains("\"position\":\(held + 1),"))
            try await writer.execute(script: "COMMIT")
            await writer.close()
            #expect(await tail.waitForOutput("\"position\":\(held + 1),"))
            tail.send(SIGINT)
            let result = await tail.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
            let positions = try result.standardOutput.split(separator: "\n").map { line -> JSONValue? in
                try JSONParser.parse(line)["position"]
            }
            #expect(positions == [1, 2, .number(held), .number(held + 1)])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `an open transaction holds up only what is behind it`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(3)
            let writer = try await place.test.connect()
            try await writer.execute(script: "BEGIN")
            let held = try await place.insert(["aggregate_id": "'held'"], on: writer)
            _ = try await place.append(1, from: 5)
            let tail = try tail(place, "--from", "1", "--json")
            #expect(await tail.waitForOutput("\"position\":\(held - 1),"), "\(tail.standardError)")
            #expect(await tail.waitForError("events behind position \(held - 1) wait for open transactions"))
            #expect(!tail.standardOutput.contains("\"position\":\(held + 1),"))
            try await writer.execute(script: "ROLLBACK")
            await writer.close()
            #expect(await tail.waitForOutput("\"position\":\(held + 1),"))
            tail.send(SIGTERM)
            #expect(await tail.result().exitCode == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `from now on only what is written then is shown, a line for each event of the scope`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(3)
            let tail = try tail(place)
            let connection = try await place.test.connect()
            // Until it follows, what is written may count as before.
            try await eventually("the tail shows nothing") {
                try await place.insert(["aggregate_id": "'probe'"], on: connection)
                return tail.standardOutput.contains("Identity/User/probe  → \(place.topic)[")
            }
            try await place.insert(["bounded_context": "'Shop'", "aggregate_id": "'foreign'"], on: connection)
            try await place.insert(["aggregate_id": "'last'"], on: connection)
            await connection.close()
            #expect(await tail.waitForOutput("/last"))
            #expect(!tail.standardOutput.contains("foreign") && !tail.standardOutput.contains("user-0"))
            tail.send(SIGTERM)
            #expect(await tail.result().exitCode == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a reader that goes away ends it quietly, also while nothing comes`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(2)
            let own = Command.godwit(environment: place.variables)
            let script = "set -o pipefail; \(own.program) tail --consumer identity --from 1 | head -n 1"
            let result = try await Command(
                "/usr/bin/env", ["bash", "-c", script], environment: own.environment, without: own.without
            ).run()
            #expect(result.exitCode == 0, "\(result.standardError)")
            #expect(result.standardOutput.hasPrefix("1  ") && result.standardError.isEmpty, "\(result.standardError)")
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a session that is lost is made anew`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(1)
            let name = TestDatabase.uniqueName("tail")
            let command = Command.godwit(
                "tail", "--consumer", "identity", "--from", "1", "--records",
                environment: place.variables.merging(
                    ["GODWIT_DATABASE_URL": "\(place.test.url)?application_name=\(name)"]) { $1 })
            let tail = try command.start()
            #expect(await tail.waitForOutput("value "))
            let connection = try await place.test.connect()
            let ended = try await connection.query(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1", name)
            #expect(try ended.first?.decode(0, as: Int64.self) == 2)
            _ = try await place.append(1, from: 1)
            #expect(await tail.waitForOutput("position 2  "), "\(tail.standardError)")
            await connection.close()
            tail.send(SIGINT)
            #expect(await tail.result().exitCode == 0)
        }
    }
}
