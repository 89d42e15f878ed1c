import Foundation

/// Clients that nobody here wrote: those of PyPI that the conformance suite has in its virtual environment.
package enum OutsideClients {
    private static let setup = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("KafkaTestBrokerTests/Conformance/setup")

    /// The Python of the virtual environment, which is made on first use.
    package static func python() async throws -> String {
        let setup = try await Command(setup.path).run()
        guard setup.exitCode == 0 else { throw SetupFailure(reason: setup.standardError) }
        return setup.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private struct SetupFailure: Error, CustomStringConvertible {
        let reason: String
        var description: String { "the clients of PyPI cannot be installed: \(reason)" }
    }
}
