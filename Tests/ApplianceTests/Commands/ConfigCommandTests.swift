import FoundationEssentials
import TestSupport
import Testing

@testable import Appliance

@Suite struct ConfigCommandTests {
    private static let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config/godwit.yaml").path

    @Test func `check says yes to the example`() async throws {
        let result = try await Command.godwit("config", "check", "--config", Self.example).run()
        #expect(result.exitCode == 0)
        #expect(result.standardOutput == "the configuration is right\n")
        #expect(result.standardError.isEmpty)
    }

    @Test func `check names each mistake on a line of its own and ends with 78`() async throws {
        let result = try await Command.godwit(
            "config", "check", "--config", Self.example,
            environment: ["GODWIT_WORKER_BATCH_SIZE": "0", "GODWIT_LOG_LEVEL": "loud"]
        ).run()
        #expect(result.exitCode == 78)
        let lines = result.standardError.split(separator: "\n")
        #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("godwit: GODWIT_") })
        #expect(result.standardOutput.isEmpty)
    }

    @Test func `check reports as JSON too`() async throws {
        let result = try await Command.godwit("config", "check", "--json", environment: ["GODWIT_KAFKA_SERVERS": "x"])
            .run()
        #expect(result.exitCode == 78)
        let report = try JSONParser.parse(result.standardOutput)
        #expect(report["ok"] == false)
        guard case .array(let problems) = report["problems"] else {
            Issue.record("no problems in \(result.standardOutput)")
            return
        }
        #expect(problems.count >= 3)
    }

    @Test func `show shows what holds, with the environment and without the secret`() async throws {
        let result = try await Command.godwit(
            "config", "show",
            environment: [
                "GODWIT_CONFIG": Self.example, "GODWIT_DATABASE_PASSWORD": "hush",
                "GODWIT_CONSUMERS_IDENTITY_TOPIC": "mine",
            ]
        ).run()
        #expect(result.exitCode == 0)
        #expect(result.standardOutput.contains("topic: mine"))
        #expect(result.standardOutput.contains("password: (hidden)"))
        #expect(!(result.standardOutput + result.standardError).contains("hush"))
    }

    @Test func `a file that is not there is one line and 78`() async throws {
        let result = try await Command.godwit("config", "show", "--config", "/nowhere/godwit.yaml").run()
        #expect(result.exitCode == 78)
        #expect(
            result.standardError
                == "godwit: the configuration /nowhere/godwit.yaml cannot be read: there is no such file\n")
    }

    @Test func `a wrong command line ends with 64`() async throws {
        for arguments in [["config", "chekc"], ["append", "--batch", "0"], ["run", "--nonsense"]] {
            var command = Command.godwit()
            command.arguments = arguments
            #expect(try await command.run().exitCode == 64, "\(arguments)")
        }
    }

    @Test func `each command's help has an example, and the first help the exit codes`() async throws {
        let help = try await Command.godwit("--help").run()
        #expect(help.exitCode == 0)
        for status in ExitStatus.allCases { #expect(help.standardOutput.contains("\(status.rawValue)  "), "\(status)") }
        for arguments in [
            ["config", "check"], ["config", "show"], ["config", "reference"], ["migrate"], ["append"], ["run"], ["dev"],
            ["demo"],
        ] {
            var command = Command.godwit()
            command.arguments = arguments + ["--help"]
            let help = try await command.run()
            #expect(help.exitCode == 0)
            #expect(help.standardOutput.contains("Example"), "\(arguments)")
            #expect(help.standardOutput.contains("godwit \(arguments.joined(separator: " "))"), "\(arguments)")
        }
    }
}
