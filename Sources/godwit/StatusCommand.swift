import Appliance
import ArgumentParser

struct StatusCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows how far each consumer is, who owns its segments, and why it does not move if so.",
        discussion: """
            Examples:
              godwit status --config godwit.yaml
              godwit status orders --watch
              godwit status --quiet --max-lag 5m || echo "an operator should look"
              godwit status --live
              godwit status --why orders

            Asks the database, so no relay needs to run; where the admin port of this configuration answers, it is asked too.
            Lag is counted exactly up to ten thousand waiting events, and bounded by positions beyond that (≤); the
            age is that of the oldest waiting event.

            Ends with 0 if every consumer of the configuration is healthy, 4 if not, and as any command does if the database
            cannot be asked. Healthy is also who is paused, bounded or catching up; unhealthy who has no live owner, halts,
            is refused, waits for brokers or for a transaction left open, or is behind by more than --max-lag. Each problem is
            named once, with the consumers that it affects and a code that the documentation explains.

            --why says in words how much of the age of each consumer's oldest undelivered event is due to what: a pause, a process
            that is absent, a halt, an open transaction and who holds it, the brokers, a rate, or reading and the queue. It asks
            the database and the admin port; what neither knows is unknown.

            --live asks only whether this configuration's process answers at its admin port, which is what a container's health
            check should ask: an event that halts is no reason to start a process anew.
            """.flowing)

    @Argument(help: "Only this consumer; all by default.") var consumer: String?
    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Say what the age of the oldest undelivered event is due to.") var why = false
    @Flag(help: "Report as JSON.") var json = false
    @Flag(help: "Write nothing; the exit code has the result.") var quiet = false
    @Flag(help: "Only ask whether the process answers at its admin port.") var live = false
    @Flag(help: "Show it again and again, until interrupted.") var watch = false
    @Option(help: ArgumentHelp("How long to wait between two looks with --watch.", valueName: "duration"))
    var every = "2s"
    @Option(help: ArgumentHelp("How old a waiting event may be, for example 5m.", valueName: "duration"))
    var maxLag: String?

    func validate() throws {
        for text in [every, maxLag].compactMap(\.self) where StatusOption.duration(text) == nil {
            throw ValidationError("\"\(text)\" is no duration; durations read 500ms, 30s, 5m")
        }
        if live, watch || json { throw ValidationError("--live excludes --watch and --json") }
        if consumer != nil, live { throw ValidationError("--live asks about the process, not about a consumer") }
        if why, live || quiet { throw ValidationError("--why excludes --live and --quiet") }
        if watch, quiet { throw ValidationError("--watch and --quiet exclude each other") }
    }

    func execute() async throws {
        let configurations = try options.loadEach(live ? [] : [.database])
        if live { return try await showLife(configurations[0]) }
        var asked = StatusReport.Options()
        if quiet { asked.backlogLimit = 500 }
        (asked.explains, asked.consumer) = (why, consumer)
        asked.longestLag = maxLag.flatMap { StatusOption.duration($0) }
        while true {
            let report = await StatusReports.take(configurations, asked)
            if let consumer, !report.knows(consumer) {
                throw Failure(.usage, "there is no consumer \(consumer) in the configuration or the database")
            }
            if watch, !json, StandardStream.output.isTerminal { StandardStream.output.write(StatusOption.clearScreen) }
            if !quiet { show(report) }
            if !watch {
                if report.exitStatus != .success { throw ExitCode(report.exitStatus.rawValue) }
                return
            }
            try await Task.sleep(for: StatusOption.duration(every) ?? .seconds(2))
        }
    }

    private func showLife(_ configuration: Configuration) async throws {
        let life = await ProcessLife.ask(configuration)
        if !quiet { standardOutput(life.text) }
        if life.exitStatus != .success { throw ExitCode(life.exitStatus.rawValue) }
    }

    private func show(_ report: StatusReports) {
        // Watched by a program: a report per line.
        if json, watch { return standardOutput(report.json.text) }
        show(report.json) { terminal in
            let text = report.text(on: terminal)
            return watch ? terminal.fit(text) : text
        }
    }
}
