import Appliance
import ArgumentParser
import KafkaBridge

struct VerifyCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compares what is committed with what is in Kafka: missing, doubled, out of order.",
        discussion: """
            Examples:
              godwit verify --consumer identity
              godwit verify --consumer identity --from-time 2026-01-01T00:00:00Z --json
              godwit verify --consumer identity --repair

            Reads the events of a range from the database and then the topics, from the time of the range's first event to
            their ends, committed transactions only. Records are matched by the event id, in every format. It ends with 0
            if nothing is wrong, else with 1. Where the consumer's headers leave out the event id, nothing can be told: it ends
            with 78 before it reads anything.

            Not wrong: events behind the consumer's checkpoint, which are not due yet; events that are parked, discarded
            or in the consumer's dead-letter topic; events that are not found where Kafka has deleted records of their time by now, by retention or compaction, of which
            nothing can be known. Records of republish jobs count as delivery, but not as doubles, and not for the order:
            what a job delivers late cannot come before what is there already.

            --repair publishes exactly the missing events by a republish job of its own.

            Memory: about 60 bytes for each event of a window of 1,000,000 (--window), and 40 for each aggregate.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Option(help: ArgumentHelp("The consumer.", valueName: "name")) var consumer: String
    @OptionGroup(title: "Which events") var selection: SelectionOptions
    @Flag(help: "Let doubles pass: at-least-once delivery allows them after a crash.") var allowDoubled = false
    @Flag(help: "Publish what is missing.") var repair = false
    @Flag(help: "Read the topics from their beginnings, for records whose time is not the event's.")
    var fromBeginning = false
    @Option(help: "Events compared at a time.") var window = 1_000_000
    @Flag(help: "Report as JSON on standard output.") var json = false

    func validate() throws {
        guard (1...100_000_000).contains(window) else { throw ValidationError("--window must be 1 to 100000000") }
    }

    func execute() async throws {
        let work = try Verifying(try options.load([.database, .kafka, .consumers]))
        var how = Verification.Options()
        how.windowSize = window
        how.fromBeginning = fromBeginning
        let line = ProgressLine()
        let result = try await work.run(consumer, request: selection.request, options: how) { done in
            if line.isTerminal { line.show("\(Int(done * 100)) % compared") }
        }
        line.end()
        let report = result.report
        if !json { standardOutput(report.text) }
        var job: Job?
        if repair {
            let progress = JobProgressLine()
            job = try await work.repair(result, request: selection.request) { progress.show($0) }
            progress.end()
        }
        if json {
            standardOutput(report.json(allowingDoubles: allowDoubled, repair: job).indentedText)
        } else if let job {
            standardOutput(JobReport(job).text)
        } else if report.isClean(allowingDoubles: allowDoubled) {
            standardOutput("nothing is wrong")
        }
        let isMended = job != nil && report.isCleanButForMissing(allowingDoubles: allowDoubled)
        if !isMended, !report.isClean(allowingDoubles: allowDoubled) {
            throw ExitCode(ExitStatus.accountNotClean.rawValue)
        }
    }
}
