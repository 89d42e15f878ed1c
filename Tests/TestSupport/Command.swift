import Foundation

/// A program run by a test as a child process; it is killed when its test is cancelled.
package struct Command: Sendable {
    package struct Result: Sendable {
        package let exitCode: Int32
        package let standardOutput: String
        package let standardError: String
    }

    package let program: String
    package var arguments: [String]
    package var environment: [String: String]
    /// Variables of this process that the child does not get.
    package var without: Set<String>
    package var input: String?
    /// Where it runs; `nil` for the folder of this process.
    package var folder: String?

    /// The environment given is added to that of this process.
    package init(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
        without: Set<String> = [], input: String? = nil
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.without = without
        self.input = input
    }

    /// Runs to the end and gives what was written.
    package func run() async throws -> Result {
        let child = try RunningCommand(self)
        return await withTaskCancellationHandler {
            await child.result()
        } onCancel: {
            child.send(SIGKILL)
        }
    }

    /// Starts and comes back at once.
    package func start() throws -> RunningCommand {
        try RunningCommand(self)
    }
}
