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
            their ends, committed transactions only. Records are matched by the event id, in every format, and count in the
            topic that the event belongs to. Nothing is called missing before the topics were read from their beginnings and
            open transactions waited for (--wait). Where the consumer's headers leave out the event id, nothing can be told: it
            ends with 78 before it reads anything.

            It ends with 0 if nothing is wrong; 1 if events are missing, doubled, out of order, in another topic or, with
            --values, have another value or key; 4 if events are not delivered and something is in the consumer's way, which it says as
            `status` does; 5 if no event lies in the range; 6 if not everything could be seen, as behind a transaction that
            stays open.

            Not wrong: events behind the checkpoint of a consumer that is on its way; events that are parked, discarded or in
            the consumer's dead-letter topic; events of a time or key of which Kafka has deleted records by now, of which
            nothing can be known. Records of republish jobs count as delivery, but not as doubles, and not for the order: what
            a job delivers late cannot come before what is there already.

            --account says where each committed event is, in lines that add up. --repair publishes exactly the missing events
            by a republish job of its own.

            Memory: about 60 bytes for each event of a window of 1,000,000 (--window), and up to 35 MB for the order.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Option(help: ArgumentHelp("The consumer.", valueName: "name")) var consumer: String
    @OptionGroup(title: "Which events") var selection: SelectionOptions
    @Flag(help: "Let doubles pass: at-least-once delivery allows them after a crash.") var allowDoubled = false
    @Flag(help: "Publish what is missing.") var repair = false
    @Flag(help: "Read the topics from their beginnings, for records whose time is not the event's.")
    var fromBeginning = false
    @Option(help: "Events compared at a time.") var window = 1_000_000
    @Flag(help: "Compare the records' values with the events' too.") var values = false
    @Flag(help: "Say where each committed event is, in lines that add up.") var account = false
    @Option(help: ArgumentHelp("How long an open transaction in a topic is waited for.", valueName: "seconds"))
    var wait = 10
    @Flag(help: "Report as JSON on standard output.") var json = false

    func validate() throws {
        guard (0...86_400).contains(wait) else { throw ValidationError("--wait must be 0 to 86400") }
        guard (1...100_000_000).contains(window) else { throw ValidationError("--window must be 1 to 100000000") }
    }

    func execute() async throws {
        let work = try Verifying(try options.load([.database, .kafka, .consumers], of: consumer))
        var how = Verification.Options()
        how.windowSize = window
        how.fromBeginning = fromBeginning
        how.comparesValues = values
        how.transactionPatience = .seconds(wait)
        let line = ProgressLine()
        let start = ContinuousClock.now
        let outcome = try await work.run(consumer, request: selection.request, options: how) { done in
            if line.isTerminal { line.show(ProgressText.line(done, since: start)) }
        }
        line.end()
        if !json { standardOutput(CommandHints.complete(outcome.text)) }
        var job: Job?
        if repair {
            let progress = JobProgressLine()
            job = try await work.repair(outcome, request: selection.request) { progress.show($0) }
            progress.end()
        }
        if json {
            standardOutput(outcome.json(allowingDoubles: allowDoubled, repair: job).indentedText)
        } else {
            if account { standardOutput(outcome.account) }
            if let job {
                standardOutput(JobReport(job).text)
            } else if let closing = outcome.closing(allowingDoubles: allowDoubled) {
                standardOutput(CommandHints.complete(closing))
            }
        }
        let isFixed = job != nil && outcome.report.isRightButForMissing(allowingDoubles: allowDoubled)
        let status = outcome.exitStatus(allowingDoubles: allowDoubled)
        if status != .success, !isFixed { throw ExitCode(status.rawValue) }
    }
}
