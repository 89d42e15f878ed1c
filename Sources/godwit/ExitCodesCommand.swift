import Appliance
import ArgumentParser

struct ExitCodesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exit-codes",
        abstract: "Lists the exit codes of all commands, by what a caller can do about them.",
        discussion: """
            Example:
              godwit exit-codes
            """.flowing)

    @Flag(help: "Report as JSON.") var json = false
    @Flag(help: "Print the page of the documentation.") var markdown = false

    func run() {
        if markdown { return standardOutput(ExitStatus.markdown) }
        guard !json else {
            let codes = ExitStatus.allCases.map { status -> JSONValue in
                [
                    "exit_code": .number(Int(status.rawValue)), "code": .string(status.name),
                    "meaning": .string(status.meaning),
                ]
            }
            return standardOutput(JSONValue.array(codes).indentedText)
        }
        for status in ExitStatus.allCases {
            let code = String(status.rawValue)
            standardOutput(String(repeating: " ", count: max(0, 3 - code.count)) + code + "  " + status.meaning)
        }
    }
}
