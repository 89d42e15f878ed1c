import FoundationEssentials
import Glibc
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

    @Test func `a warning fails where it is asked to`() async throws {
        let environment = ["GODWIT_CONFIG": Self.example, "GODWIT_LOG_LEVL": "info"]
        let plain = try await Command.godwit("config", "check", environment: environment).run()
        #expect(plain.exitCode == 0)
        #expect(plain.standardOutput == "the configuration is right, with 1 warning\n")
        #expect(plain.standardError.hasPrefix("godwit: warning: GODWIT_LOG_LEVL: "))
        #expect(plain.standardError.hasSuffix(" [unknown-variable]\n"))
        let strict = try await Command.godwit("config", "check", "--strict", environment: environment).run()
        #expect(strict.exitCode == 78 && strict.standardOutput.isEmpty && strict.standardError == plain.standardError)
        func accepting(_ code: String) async throws -> Command.Result {
            try await Command.godwit("config", "check", "--strict", "--accept", code, environment: environment).run()
        }
        let accepted = try await accepting("unknown-variable")
        #expect(accepted.exitCode == 0 && accepted.standardError == plain.standardError)
        #expect(try await accepting("key-spread").exitCode == 78)
        #expect(try await accepting("unknown-key").exitCode == 64)
        let json = try await Command.godwit("config", "check", "--strict", "--json", environment: environment).run()
        #expect(json.exitCode == 78 && json.standardError.isEmpty)
        let report = try JSONParser.parse(json.standardOutput)
        #expect(report["ok"] == false && report["problems"] == [])
        guard case .array(let warnings) = report["warnings"], let warning = warnings.first else {
            Issue.record("no warning in \(json.standardOutput)")
            return
        }
        #expect(warning["code"] == "unknown-variable" && warning["level"] == "warning")
        #expect(warning["variable"] == "GODWIT_LOG_LEVL" && warning["fix"] != nil)
        let right = try await Command.godwit("config", "check", "--strict", "--config", Self.example).run()
        #expect(right.exitCode == 0 && right.standardOutput == "the configuration is right\n")
    }

    @Test func `run logs warnings and refuses errors, doctor shows them`() async throws {
        let environment = [
            "GODWIT_CONFIG": Self.example, "GODWIT_LOG_LEVL": "info", "GODWIT_LOG_FORMAT": "json",
            "GODWIT_DATABASE_URL": "postgres://x:hush@127.0.0.1:1/x", "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "GODWIT_DATABASE_CONNECT_TIMEOUT": "1s",
        ]
        let relay = try Command.godwit("run", environment: environment).start()
        #expect(await relay.waitForError("unknown-variable"))
        relay.send(SIGTERM)
        let result = await relay.result()
        let line = try #require(result.standardError.split(separator: "\n").first { $0.contains("unknown-variable") })
        let entry = try JSONParser.parse(String(line))
        #expect(entry["level"] == "warning" && entry["code"] == "unknown-variable")
        #expect(!result.standardError.contains("hush"))

        let doctor = try await Command.godwit("doctor", "--json", environment: environment).run()
        #expect(doctor.standardOutput.contains("unknown-variable"))

        let wrong = environment.merging(["GODWIT_DATABASE_URL": "postgres://postgres:hush/word@127.0.0.1/db"]) { $1 }
        for arguments in [
            ["run"], ["status"], ["config", "show"], ["config", "check", "--json"], ["doctor"], ["migrate"],
        ] {
            var command = Command.godwit(environment: wrong)
            command.arguments = arguments
            let refused = try await command.run()
            #expect(refused.exitCode == 78, "\(arguments)")
            let output = refused.standardOutput + refused.standardError
            #expect(output.contains("%2F for /"), "\(arguments)")
            #expect(!output.contains("hush") && !output.contains("word@"), "\(arguments): \(output)")
        }
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
                == "godwit: the configuration /nowhere/godwit.yaml cannot be read: there is no such file [file-unreadable]\n"
        )
    }

    @Test func `a wrong command line ends with 64`() async throws {
        for arguments in [["config", "chekc"], ["append", "--batch", "0"], ["run", "--nonsense"]] {
            var command = Command.godwit()
            command.arguments = arguments
            #expect(try await command.run().exitCode == 64, "\(arguments)")
        }
    }

    @Test func `each command's help has an example`() async throws {
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
