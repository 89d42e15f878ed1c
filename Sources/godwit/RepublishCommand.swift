import Appliance
import ArgumentParser

struct RepublishCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "republish",
        abstract: "Publishes a bounded part of the log again, as a job that survives its process.",
        discussion: """
            Examples:
              godwit republish --consumer identity --from-time 2026-01-01T00:00:00Z --dry-run
              godwit republish --job january --consumer identity --from-time 2026-01-01T00:00:00Z \\
                --to-time 2026-02-01T00:00:00Z --to-topic replay.identity --rate 500
              godwit republish --job january
              godwit republish --list
              godwit republish --cancel january

            A job's range is fixed when it is made: without --to-position it ends with the last event that is settled
            then. Stopped or killed, it goes on from its checkpoint when it is run again, by its name alone or by the same
            options. It takes the consumer's route, format and allowlist, and moves no checkpoint of the consumer; the
            live flow goes on beside it. Records have the time of now and two headers more: godwit_republish_job with
            the job's name and godwit_original_time. Who reads them tells a repetition by the event id, which is the same.

            SIGTERM or SIGINT waits for what is under way, saves and ends with 30; a second one lets go at once with 3.
            A second process on the same job is refused with 31. A job that is done already ends with 0, and one that found no event in its range with 5.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Option(help: ArgumentHelp("The job's name: letters, digits, `.`, `_` and `-`.", valueName: "name"))
    var job: String?
    @Option(help: ArgumentHelp("The consumer whose route the events take; not needed to go on.", valueName: "name"))
    var consumer: String?
    @OptionGroup(title: "Which events") var selection: SelectionOptions
    @Option(help: ArgumentHelp("At most so many events a second; kept with the job.", valueName: "events"))
    var rate: Double?
    @Flag(help: "Count the events per topic, and publish nothing.") var dryRun = false
    @Flag(help: "List all jobs.") var list = false
    @Option(help: ArgumentHelp("End a job for good, whoever runs it.", valueName: "name")) var cancel: String?
    @Flag(help: "Report as JSON on standard output.") var json = false

    func validate() throws {
        if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate must be above 0") }
        if list || cancel != nil { return }
        if dryRun {
            guard job != nil || consumer != nil else { throw ValidationError("give --consumer, or --job for a job") }
        } else if job == nil {
            throw ValidationError("give --job NAME; with --consumer and a range to make it, alone to go on with it")
        }
    }

    func execute() async throws {
        let work = try Republishing(try options.load(list || cancel != nil ? [.database] : needs, of: consumer))
        if list {
            let jobs = try await work.list()
            let report = JSONValue.array(jobs.map { JobReport($0).json })
            show(report) { _ in JobReport.table(jobs) }
        } else if let cancel {
            let report = JobReport(try await work.cancel(cancel))
            show(report.json) { _ in report.text }
        } else if dryRun {
            let report = try await work.count(job, consumer: consumer, request: selection.request)
            show(report.json) { _ in report.text }
            if report.isEmpty { throw ExitCode(ExitStatus.nothingSelected.rawValue) }
        } else if let job {
            let made = try await work.job(job, consumer: consumer, request: selection.request, rate: rate)
            let progress = JobProgressLine()
            let report = JobReport(try await work.run(made) { progress.show($0) })
            progress.end()
            show(report.json) { _ in report.text }
            if report.isEmpty { throw ExitCode(ExitStatus.nothingSelected.rawValue) }
        }
    }

    private var needs: Set<Configuration.Need> { dryRun ? [.database, .consumers] : [.database, .kafka, .consumers] }
}
