import Appliance
import ArgumentParser

/// A command whose errors become a line on standard error and an exit code.
protocol GodwitCommand: AsyncParsableCommand {
    func execute() async throws
}

extension GodwitCommand {
    func run() async throws {
        do {
            try await execute()
        } catch let exit as ExitCode {
            throw exit
        } catch {
            let failure = Failure(error)
            for line in failure.message.split(separator: "\n") {
                standardError("godwit: \(LogLine.harmless(String(line)))")
            }
            throw ExitCode(failure.status.rawValue)
        }
    }
}

/// Writes a line for people, whatever standard output is used for.
func standardError(_ line: String) {
    StandardStream.error.write(line + "\n")
}

/// Writes a line of the command's result, at once also into a pipe.
func standardOutput(_ line: String) {
    StandardStream.output.write(line + "\n")
}
