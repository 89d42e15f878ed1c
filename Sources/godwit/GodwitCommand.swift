import Appliance
import ArgumentParser
import Logging

/// A command whose errors become a line on standard error and an exit code.
protocol GodwitCommand: AsyncParsableCommand {
    func execute() async throws

    /// Whether it was asked for JSON: its errors are JSON too then, on standard error.
    var json: Bool { get }
    /// Whether it runs for long and writes a log, of which its end is a part.
    var writesLog: Bool { get }
}

extension GodwitCommand {
    var json: Bool { false }
    var writesLog: Bool { false }

    func run() async throws {
        do {
            try await execute()
        } catch let exit as ExitCode {
            throw exit
        } catch {
            let failure = Failure(error)
            report(failure)
            throw ExitCode(failure.status.rawValue)
        }
    }

    /// Writes a result as it was asked for: as JSON, or as a text whose commands can be pasted.
    func show(_ json: JSONValue, _ text: (_ terminal: Terminal) -> String) {
        standardOutput(self.json ? json.indentedText : CommandHints.complete(text(.of(.output))))
    }

    private func report(_ failure: Failure) {
        ProgressArea.shared.end()
        if json { return standardError(failure.json.text) }
        if writesLog, StandardErrorLog.writesJSON {
            return Logger(label: "godwit").critical(
                "\(failure.message)",
                metadata: ["exit_code": "\(failure.status.rawValue)", "code": "\(failure.status.name)"])
        }
        let name = Terminal.of(.error).paint("godwit:", .bad)
        for line in failure.message.split(separator: "\n") {
            standardError("\(name) \(LogLine.harmless(CommandHints.complete(String(line))))")
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
