import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Appliance

@Suite struct DevelopmentCommandTests {
    @Test(.timeLimit(.minutes(3)))
    func `demo carries all events over once and in order, and says so in JSON`() async throws {
        let result = try await Command.godwit("demo", "--events", "1000", "--writers", "4", "--json").run()
        #expect(result.exitCode == 0, "\(result.standardError)")
        let report = try JSONParser.parse(result.standardOutput)
        #expect(report["clean"] == true)
        #expect(report["committed"] == 1000 && report["delivered"] == 1000)
        #expect(report["lost"] == 0 && report["doubled"] == 0 && report["order_violations"] == 0)
        #expect(result.standardError.contains("committed 1000 of 1000, received 1000"))
    }

    /// What `dev --json` printed.
    private func ready(_ dev: RunningCommand) async throws -> JSONValue {
        try #require(await dev.waitForOutput("\n"), "\(dev.standardError)")
        return try JSONParser.parse(dev.standardOutput)
    }

    private func text(_ value: JSONValue?) throws -> String {
        guard case .string(let text) = value else { throw Failure(.internalError, "no text") }
        return text
    }

    @Test(.timeLimit(.minutes(3)))
    func `dev relays what append appends, kcat reads it right, and Ctrl-C removes everything`() async throws {
        let dev = try Command.godwit("dev", "--json").start()
        let servers = try await ready(dev)
        let config = try text(servers["config"])
        let brokers = try text(servers["bootstrap_servers"])
        let line = """
            {"bounded_context":"Billing","aggregate_type":"Invoice","aggregate_id":"i-1","event_type":"InvoiceIssued",\
            "payload":{"total":12.50},"correlation_id":"c-1","created_at":"2026-01-31T09:15:02.250Z"}
            """
        let appended = try await Command.godwit("append", "--config", config, input: line).run()
        #expect(appended.exitCode == 0, "\(appended.standardError)")
        let kcat = try await Command(
            "/usr/bin/kcat",
            ["-C", "-b", brokers, "-t", "billing.Invoice", "-o", "beginning", "-c", "1", "-f", #"%k|%s|%T|%h\n"#]
        ).run()
        #expect(kcat.exitCode == 0, "\(kcat.standardError)")
        let fields = kcat.standardOutput.split(separator: "|", maxSplits: 3)
        #expect(fields.prefix(3) == ["i-1", #"{"total":12.50}"#, "1769850902250"])
        for header in [
            "event_type=InvoiceIssued", "bounded_context=Billing", "aggregate_type=Invoice", "aggregate_id=i-1",
            "aggregate_version=1", "correlation_id=c-1", "global_position=1",
        ] {
            #expect(fields.last?.contains(header) == true, "\(header) in \(kcat.standardOutput)")
        }
        dev.send(SIGINT)
        let result = await dev.result()
        #expect(result.exitCode == 0, "\(result.standardError)")
        #expect(!FileManager.default.fileExists(atPath: config))
    }

    @Test(.timeLimit(.minutes(3)))
    func `nothing of dev stays when it is killed outright`() async throws {
        let dev = try Command.godwit("dev", "--json").start()
        let folder = URL(filePath: try text(try await ready(dev)["config"])).deletingLastPathComponent().path
        let pidFile = try String(contentsOf: URL(filePath: folder + "/data/postmaster.pid"), encoding: .utf8)
        let postmaster = try #require(Int32(pidFile.prefix { $0 != "\n" }))
        dev.send(SIGKILL)
        _ = await dev.result()
        try await eventually("its folder stays") { !FileManager.default.fileExists(atPath: folder) }
        #expect(kill(postmaster, 0) == -1)
    }
}
