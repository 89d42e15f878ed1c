import Appliance
import ArgumentParser
import Logging

struct DemoCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Carries some thousand events the whole way on throw-away servers, and accounts for them.",
        discussion: """
            Examples:
              godwit demo
              godwit demo --events 50000 --writers 16 --json

            Starts a throw-away PostgreSQL and an embedded broker, appends events of three bounded contexts by concurrent
            writers while the relay runs, reads the topics back, and ends with 0 only if nothing was lost, doubled or out
            of order. Nothing stays behind.
            """.flowing)

    @Option(help: "How many events are committed.") var events = 5_000
    @Option(help: "How many writers append at once.") var writers = 8
    @Flag(help: "Report as JSON on standard output.") var json = false
    @Option(help: ArgumentHelp("The least important messages that are logged.", valueName: "level"))
    var logLevel: Logger.Level = .warning

    func validate() throws {
        guard (10...1_000_000).contains(events) else { throw ValidationError("--events must be 10 to 1000000") }
        guard (1...100).contains(writers) else { throw ValidationError("--writers must be 1 to 100") }
    }

    func execute() async throws {
        StandardErrorLog.bootstrap(level: logLevel, format: .auto)
        let progress = ProgressLine()
        let report = try await Demo(events: events, writers: writers).run(
            tell: { step in progress.tell(step) },
            progress: { state in
                progress.show(
                    "committed \(state.committed) of \(state.total), received \(state.received)",
                    isLast: state.committed >= state.total && state.received >= state.committed)
            })
        progress.end()
        standardOutput(json ? report.json.indentedText : "\n" + report.text + "\n")
        if !json { standardOutput(report.isClean ? "All there, once and in order." : "This is not as it should be.") }
        if !report.isClean { throw ExitCode(ExitStatus.accountNotClean.rawValue) }
    }
}
