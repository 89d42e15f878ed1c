import Synchronization
import Testing

@testable import Appliance

/// What commands show at a terminal.
@Suite struct TerminalTests {
    private static let colours = Terminal(width: 80, height: 24, hasColours: true)

    @Test func `a pipe has no width and no colours, unless they are forced`() {
        #expect(Terminal.of(.output, environment: [:]) == .plain || StandardStream.output.isTerminal)
        guard !StandardStream.output.isTerminal else { return }
        #expect(Terminal.of(.output, environment: ["CLICOLOR_FORCE": "1"]).hasColours)
        #expect(!Terminal.of(.output, environment: ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"]).hasColours)
        #expect(!Terminal.of(.output, environment: ["CLICOLOR_FORCE": "0"]).hasColours)
    }

    @Test func `colours stand around a text and leave nothing behind`() {
        #expect(Self.colours.paint("ok", .good) == "\u{1b}[32mok\u{1b}[0m")
        #expect(Terminal.plain.paint("ok", .good) == "ok" && Self.colours.paint("", .bad) == "")
    }

    @Test func `a table that is too wide cuts its widest texts, and never numbers`() {
        var table = TextTable(["consumer", "owner", "lag"], rightAligned: [2])
        table.add(
            [String(repeating: "c", count: 60), String(repeating: "o", count: 30), "1,234,567"], tones: [0: .bad])
        table.add(["short", "nobody", "0"])
        let lines = table.text(on: Terminal(width: 80, height: nil, hasColours: false)).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count == 80 }, "\(lines)")
        #expect(lines[1].contains("c…") && lines[1].contains(String(repeating: "o", count: 30)))
        #expect(lines[1].hasSuffix("1,234,567") && lines[2].hasSuffix("  0"))
        #expect(table.text.split(separator: "\n")[1].count == 60 + 30 + 9 + 4)
        // Colours take no room.
        let painted = table.text(on: Self.colours)
        #expect(painted.contains("\u{1b}[31m") && painted.split(separator: "\n")[2] == lines[2])
        // Narrower than all that can be cut.
        #expect(table.text(on: Terminal(width: 10, height: nil, hasColours: false)).contains("1,234,567"))
    }

    @Test func `what does not fit a screen says how much that is`() {
        let text = (1...40).map { "line \($0)" }.joined(separator: "\n")
        let fitted = Terminal(width: 80, height: 10, hasColours: false).fit(text).split(separator: "\n")
        #expect(fitted.count == 9 && fitted[7] == "line 8" && fitted[8].hasPrefix("… 32 more lines"))
        #expect(Terminal.plain.fit(text) == text)
        #expect(Terminal(width: 80, height: 40, hasColours: false).fit(text) == text)
    }

    @Test func `lines of a log come above the line of the progress, which stays whole`() {
        let output = Mutex("")
        let area = ProgressArea { text in output.withLock { $0 += text } }
        func taken() -> String {
            output.withLock { text in
                defer { text = "" }
                return text
            }
        }
        area.write("before\n")
        #expect(taken() == "before\n")
        area.show("10 %, 5 events published", width: 12)
        #expect(taken() == "\r\u{1b}[K10 %, 5 ev…")
        area.write("a warning\n")
        #expect(taken() == "\r\u{1b}[Ka warning\n10 %, 5 ev…")
        area.end()
        area.end()
        area.write("after\n")
        #expect(taken() == "\nafter\n")
    }

    @Test(arguments: [
        ("run `godwit migrate`", "run `godwit migrate --config a.yaml`"),
        ("`godwit parked redrive --all` and `x`", "`godwit parked redrive --all --config a.yaml` and `x`"),
        ("`godwit dev`", "`godwit dev`"), ("`godwit status --config b`", "`godwit status --config b`"),
        ("`godwit republish …`", "`godwit republish …`"), ("godwit migrate", "godwit migrate"),
    ])
    func `commands in messages can be pasted`(_ text: String, _ expected: String) {
        #expect(CommandHints.complete(text, file: "a.yaml") == expected)
    }

    @Test func `a file with spaces is quoted`() {
        #expect(
            CommandHints.complete("`godwit run`", file: "my file's.yaml")
                == #"`godwit run --config 'my file'\''s.yaml'`"#)
    }

    @Test func `a command that is none is named, with the one that was meant`() {
        let commands = ["status", "run", "catch-up"]
        #expect(
            CommandSuggestion.message(["statsu"], commands: commands)?.contains("did you mean `godwit status`?") == true
        )
        #expect(CommandSuggestion.message(["catchup"], commands: commands)?.contains("`godwit catch-up`") == true)
        #expect(CommandSuggestion.message(["frobnicate"], commands: commands)?.contains("`godwit --help`") == true)
        for right in [["status"], ["--help"], ["help", "run"], []] {
            #expect(CommandSuggestion.message(right, commands: commands) == nil)
        }
    }

    @Test func `exit codes have names for programs, each its own`() {
        #expect(ExitStatus.databaseUnreachable.name == "database-unreachable" && ExitStatus.usage.name == "usage")
        #expect(Set(ExitStatus.allCases.map(\.name)).count == ExitStatus.allCases.count)
    }
}
