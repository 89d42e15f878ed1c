import TestSupport
import Testing

/// What `--help` says, of every command there is.
@Suite struct HelpTests {
    /// The commands that a command's help lists.
    private static func subcommands(_ help: String) -> [String] {
        let lists = help.split(separator: "SUBCOMMANDS:\n").dropFirst().joined(separator: "\n")
        return lists.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && !$0.contains("'") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
    }

    private static func help(_ words: [String]) async throws -> String {
        var command = Command.godwit()
        command.arguments = words + ["--help"]
        let result = try await command.run()
        #expect(result.exitCode == 0, "\(words)")
        return result.standardOutput
    }

    @Test(.timeLimit(.minutes(2)))
    func `every command has an example, and no line of its text breaks before it is full`() async throws {
        var waiting = Self.subcommands(try await Self.help([])).map { [$0] }
        #expect(waiting.count > 10)
        while let words = waiting.popLast() {
            let help = try await Self.help(words)
            let deeper = Self.subcommands(help)
            waiting += deeper.map { words + [$0] }
            #expect(help.contains("Example") || !deeper.isEmpty, "\(words)")
            let text = help.split(separator: "\nUSAGE:")[0].split(separator: "\n", omittingEmptySubsequences: false)
            for (line, next) in zip(text, text.dropFirst()) {
                guard !line.isEmpty, !line.hasPrefix(" "), !line.hasSuffix(":"), !next.hasPrefix(" "),
                    let word = next.split(separator: " ").first
                else { continue }
                // The parser leaves the last of 80 columns free.
                #expect(line.count + 1 + word.count >= 80, "\(words): \(line)")
            }
        }
    }
}
