import Appliance
import ArgumentParser
import KafkaBridge

struct RepublishCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "republish",
        abstract: "Publishes a bounded part of the log again, as a job that survives its process.",
        discussion: """
            Examples:
              godwit republish --consumer identity --since 7d --dry-run
              godwit republish --job week --consumer identity --since 7d --queue
              godwit republish --job january --consumer identity --from 2026-01-01 --to 2026-02-01 \\
                --topic replay.identity --rate 500
              godwit republish --job january
              godwit republish --list
              godwit republish --cancel january

            With --queue the job is handed to the relays: the first that has a hand free runs it, beside the live flow, for which it
            gives way unless --rate or --no-courtesy is given. `godwit jobs` shows, watches, stops and resumes it. Without, this
            process runs it, as fast as it can or --rate says.

            A job's range is fixed when it is made: without --to-position it ends with the last event that is settled
            then. Stopped or killed, it goes on from its checkpoint when it is run again, by its name alone or by the same
            options. It takes the consumer's route and format, and moves no checkpoint of the consumer; the
            live flow goes on beside it. Records have the time of now and two headers more: godwit_republish_job with
            the job's name and godwit_original_time. A reader knows a repetition by the event id, which is the same.

            Times are UTC unless they name a zone, and are said in full before anything is done. A topic that --topic names need not be
            among those that the consumer may write to; one that another consumer publishes to is refused.

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
    @Flag(help: "Hand it to the relays, instead of running it here.") var queue = false
    @Flag(
        inversion: .prefixedNo,
        help: "With --queue: stand back for the live flow; the default where no --rate is given.")
    var courtesy: Bool?
    @Flag(help: "Count the events per topic, and publish nothing.") var dryRun = false
    @Flag(help: "List all jobs, as `godwit jobs` does.") var list = false
    @Option(help: ArgumentHelp("End a job for good, as `godwit jobs cancel` does.", valueName: "name"))
    var cancel: String?
    @Flag(help: "Report as JSON on standard output.") var json = false

    func validate() throws {
        if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate must be above 0") }
        if list || cancel != nil { return }
        if courtesy != nil, !queue {
            throw ValidationError("--courtesy is for relays' jobs, with --queue; here --rate bounds a job")
        }
        if queue, dryRun { throw ValidationError("--dry-run counts here: leave --queue out") }
        if dryRun {
            guard job != nil || consumer != nil else { throw ValidationError("give --consumer, or --job for a job") }
        } else if job == nil {
            throw ValidationError("give --job NAME; with --consumer and a range to make it, alone to go on with it")
        }
    }

    func execute() async throws {
        let configuration =
            try list || cancel != nil ? options.loadSources([.database]) : options.load(needs, of: consumer)
        if list {
            let jobs = try await JobControl(configuration).list()
            return show(JobReport.json(jobs)) { JobReport.table(jobs, on: $0) }
        }
        if let cancel {
            let report = JobReport(try await JobControl(configuration).change(cancel, .cancel).job)
            return show(report.json) { _ in report.text }
        }
        if let times = selection.request.timesInFull { standardError(times) }
        let work = try Republishing(configuration)
        if dryRun {
            let report = try await work.count(job, consumer: consumer, request: selection.request)
            show(report.json) { _ in report.text }
            if report.isEmpty { throw ExitCode(ExitStatus.nothingSelected.rawValue) }
        } else if let job, queue {
            let report = JobReport(try await handOver(job, work, configuration))
            show(report.json) { _ in report.queuedText }
        } else if let job {
            let made = try await work.job(job, consumer: consumer, request: selection.request, rate: rate)
            let progress = JobProgressLine()
            let report = JobReport(try await work.run(made) { progress.show($0) })
            progress.end()
            show(report.json) { _ in report.text }
            if report.isEmpty { throw ExitCode(ExitStatus.nothingSelected.rawValue) }
        }
    }

    /// A job that exists is resumed.
    private func handOver(_ job: String, _ work: Republishing, _ configuration: Configuration) async throws -> Job {
        if let consumer {
            let order = JobOrder(
                job, consumer: consumer, selection: selection.request, rate: rate, isQueued: true,
                isCourteous: courtesy)
            let (made, isNew) = try await work.make(order)
            if isNew || made.state == .done { return made }
        } else if !selection.request.isEmpty || rate != nil || courtesy != nil {
            throw Failure(
                .usage, "say --consumer too, or give --job \(job) and --queue alone to have relays go on with the job")
        }
        return try await JobControl(configuration).change(job, .resume).job
    }

    private var needs: Set<Configuration.Need> {
        dryRun || queue ? [.database, .consumers] : [.database, .kafka, .consumers]
    }
}
