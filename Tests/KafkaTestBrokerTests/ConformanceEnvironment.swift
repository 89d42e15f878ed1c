import Foundation
import TestSupport

/// Where the conformance scripts and their clients are.
enum ConformanceEnvironment {
    /// The brokers of `GODWIT_TEST_KAFKA`, to run the suite against others than our own.
    static let foreignBrokers = ProcessInfo.processInfo.environment["GODWIT_TEST_KAFKA"].flatMap {
        $0.isEmpty ? nil : $0
    }

    static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Conformance")

    /// Runs a script against brokers and gives what it wrote.
    static func run(_ script: String, _ arguments: [String]) async throws -> Command.Result {
        let python = try await OutsideClients.python()
        let path = scripts.appendingPathComponent(script).path
        let environment = ["PYTHON": python, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"]
        if script.hasSuffix(".sh") {
            return try await Command(path, arguments, environment: environment).run()
        }
        return try await Command(python, [path] + arguments, environment: environment).run()
    }

    /// The broker tool that was built beside the tests.
    static var tool: String {
        // The test bundle lies in the same folder as the executables.
        let bundle = Bundle(for: Marker.self).bundleURL
        let candidates = [
            bundle, bundle.deletingLastPathComponent(),
            URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent(),
        ]
        for folder in candidates {
            let path = folder.appendingPathComponent("KafkaBrokerTool").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return candidates[0].appendingPathComponent("KafkaBrokerTool").path
    }

    private final class Marker {}
}
