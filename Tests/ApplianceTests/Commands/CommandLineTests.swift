import Foundation
import TestSupport
import Testing

@testable import Appliance

/// The command line as a person or a script meets it.
@Suite struct CommandLineTests {
    private func run(
        _ arguments: [String], in folder: String? = nil, _ environment: [String: String] = [:]
    ) async throws -> Command.Result {
        var command = Command.godwit(environment: environment)
        command.arguments = arguments
        command.folder = folder
        return try await command.run()
    }

    private static let away = """
        database: { url: "postgres://x@127.0.0.1:1/x" }
        kafka: { bootstrap_servers: "127.0.0.1:1" }
        consumers: { all: { topic: t } }
        """

    @Test func `the version is a number and a commit`() async throws {
        let result = try await run(["--version"])
        let text = result.standardOutput
        #expect(
            result.exitCode == 0
                && text.wholeMatch(of: #/\d+\.\d+\.\d+ \(([0-9a-f]{12}(-changed)?|[\w.-]+)\)\n/#) != nil, "\(text)")
    }

    @Test func `commands come in groups, and their exit codes by a command of their own`() async throws {
        let help = try await run(["--help"]).standardOutput
        let places = ["run ", "status ", "pause ", "migrate ", "demo "].map { help.range(of: "\n  \($0)")?.lowerBound }
        #expect(places.allSatisfy { $0 != nil } && places.compactMap { $0 } == places.compactMap { $0 }.sorted())
        let codes = try await run(["exit-codes"])
        for status in ExitStatus.allCases {
            #expect(codes.standardOutput.contains("\(status.rawValue)  \(status.meaning)\n"), "\(status)")
        }
        let json = try JSONParser.parse(try await run(["exit-codes", "--json"]).standardOutput)
        guard case .array(let list) = json else {
            Issue.record("no list")
            return
        }
        #expect(list.count == ExitStatus.allCases.count)
    }

    @Test func `a command that does not exist is named with the one that was meant`() async throws {
        let result = try await run(["statsu"])
        #expect(result.exitCode == 64 && result.standardError.contains("did you mean `godwit status`?"))
    }

    @Test func `the configuration is found in the folder, and one that is named comes first`() async throws {
        let folder = try TestFolder()
        _ = try folder.write("godwit.yaml", Self.away)
        _ = try folder.write("other.yaml", "databse: {}\n")
        #expect(try await run(["config", "check"], in: folder.path).exitCode == 0)
        let named = try await run(["config", "check", "--config", "other.yaml"], in: folder.path)
        #expect(named.exitCode == 78 && named.standardError.contains("other.yaml:1"))
        let variable = try await run(["config", "check"], in: folder.path, ["GODWIT_CONFIG": "other.yaml"])
        #expect(variable.exitCode == 78)
        let empty = try TestFolder()
        let none = try await run(["status"], in: empty.path)
        #expect(none.exitCode == 78 && none.standardError.contains("or have godwit.yaml in this folder"))
    }

    @Test func `who asks for JSON gets errors as JSON`() async throws {
        let folder = try TestFolder()
        _ = try folder.write("godwit.yaml", Self.away)
        let result = try await run(["parked", "list", "--json"], in: folder.path)
        let error = try JSONParser.parse(result.standardError)["error"]
        #expect(result.exitCode == 10 && error?["exit_code"]?.integer == 10, "\(result.standardError)")
        #expect(error?["code"] == "database-unreachable" && result.standardOutput.isEmpty)
        let text = try await run(["parked", "list"], in: folder.path)
        #expect(text.standardError.hasPrefix("godwit: "))
    }

    @Test func `colours are there where they are forced, and nowhere else`() async throws {
        let folder = try TestFolder()
        _ = try folder.write("godwit.yaml", Self.away)
        // A test's runner may do without colours.
        let forced = try await run(["doctor"], in: folder.path, ["CLICOLOR_FORCE": "1", "NO_COLOR": ""])
        #expect(forced.standardOutput.contains("\u{1b}[31m"), "\(forced.standardOutput)")
        #expect(try await run(["doctor"], in: folder.path).standardOutput.contains("\u{1b}") == false)
    }
}
