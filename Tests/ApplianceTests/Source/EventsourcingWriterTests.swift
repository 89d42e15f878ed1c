import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import TestSupport
import Testing

@testable import Appliance

/// The Python library eventsourcing, from PyPI, writes into its own table, which is adopted meanwhile.
@Suite struct EventsourcingWriterTests {
    @Test(.timeLimit(.minutes(4)), arguments: [false, true])
    func `what the library saves is carried, in order, and its statements stay as they are`(
        _ usesItsSequence: Bool
    ) async throws {
        try await SourceFixture.with { place in
            try place.configure("")
            let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Clients/eventsourcing_writer.py").path
            let python = try await OutsideClients.python()
            let writer = try Command(python, [script, place.database.url, place.schema]).start()
            defer { writer.send(SIGKILL) }
            #expect(await writer.waitForOutput("counters_events"), "\(writer.standardError)")
            var command = Command.godwit(environment: ["GODWIT_CONFIG": place.folder.path + "/godwit.yaml"])
            command.arguments =
                ["adopt", "\(place.schema).counters_events", "--json", "--apply", "--online"]
                + (usesItsSequence ? ["--use-existing-sequence"] : [])
            let adopted = try await command.run()
            try #require(adopted.exitCode == 0, "\(adopted.standardError)")
            let report = try JSONParser.parse(adopted.standardOutput)
            #expect(report["recognised"] == "Python's eventsourcing")
            guard case .string(let source)? = report["configuration"] else { return }
            #expect(source.contains("position: \(usesItsSequence ? "notification_id" : "godwit_position")"))
            try place.configure(source)
            try await place.migrate()
            let first = try place.run()
            try await eventually("nothing comes") { try await place.checkpoint() > 100 }
            let before = try await place.checkpoint()
            first.send(SIGKILL)
            _ = await first.result()
            let relay = try place.run()
            try await eventually("no more comes") { try await place.checkpoint() > before }
            writer.send(SIGTERM)
            let written = try await deadline { await writer.result() }
            try #require(written.exitCode == 0, "\(written.standardError)")
            let saved = try #require(written.standardOutput.split(separator: "\n").last.flatMap { Int($0) })
            #expect(try await place.number("SELECT count(*) FROM counters_events") == Int64(saved))
            let records = try await place.receive(saved)
            #expect(records.eventIDs.count == saved)
            #expect(records.isInOrder)
            let verified = try await place.command("verify", "--consumer", "all")
            #expect(!verified.standardOutput.contains("missing"), "\(verified.standardOutput)")
            try await place.stop(relay)
        }
    }
}
