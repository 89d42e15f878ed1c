import Glibc
import TestSupport
import Testing

@testable import Appliance

/// `pause`, `resume` and `rate` as commands, beside a relay that runs.
@Suite struct ControlCommandTests {
    private func run(_ place: RelayFixture, _ arguments: String...) async throws -> Command.Result {
        var command = Command.godwit(environment: place.variables)
        command.arguments = arguments
        return try await command.run()
    }

    @Test(.timeLimit(.minutes(2)))
    func `a relay that runs pauses by command, keeps what comes meanwhile, and delivers it when resumed`() async throws
    {
        try await RelayFixture.with { place in
            let relay = try place.run([
                "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms", "GODWIT_NOTIFY_MODE": "never",
            ])
            var ids = try await place.append(20)
            _ = try await place.receive(ids)
            let paused = try await run(place, "pause", "identity")
            #expect(paused.exitCode == 0, "\(paused.standardError)")
            #expect(paused.standardOutput == "identity: paused (the relays are told)\n")
            #expect(await relay.waitForError("paused by its controls"))
            ids.formUnion(try await place.append(20, from: 20))
            let slow = try await run(place, "rate", "identity", "0.5", "--json")
            #expect(
                try JSONParser.parse(slow.standardOutput)
                    == ["consumer": "identity", "paused": true, "rate": .number("0.5"), "changed": true])
            #expect(try await run(place, "rate", "identity", "off").standardOutput.hasPrefix("identity: paused ("))
            #expect(try await place.kafka.readAll([place.topic]).count == 20)
            let resumed = try await run(place, "resume", "identity")
            #expect(resumed.standardOutput.hasPrefix("identity: running ("))
            let records = try await place.receive(ids)
            #expect(records.count == 40)
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a consumer that nobody knows, a rate that is none and a missing server are said`() async throws {
        try await RelayFixture.with { place in
            let unknown = try await run(place, "pause", "idenity")
            #expect(unknown.exitCode == 64)
            #expect(
                unknown.standardError
                    == "godwit: there is no consumer \"idenity\" in the configuration or the database; there are: identity\n"
            )
            for rate in ["0", "-3", "fast", "nan", "inf"] {
                let wrong = try await run(place, "rate", "--", "identity", rate)
                #expect(wrong.exitCode == 64 && wrong.standardError.contains("must be events per second"))
            }
            let away = try await Command.godwit(
                "pause", "identity",
                environment: [
                    "GODWIT_DATABASE_URL": "postgres://x@127.0.0.1:1/x", "GODWIT_CONSUMERS_IDENTITY_TOPIC": "t",
                ]
            ).run()
            #expect(away.exitCode == 10, "\(away.standardError)")
        }
    }
}
