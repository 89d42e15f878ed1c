import Appliance
import ArgumentParser
import KafkaBridge

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Shows jobs, wherever they run, and stops, resumes, cancels or repeats them.",
        discussion: """
            Examples:
              godwit jobs
              godwit jobs watch january
              godwit jobs stop january
              godwit jobs resume january

            `godwit republish --queue` makes a job for the relays: the first process with a hand free runs it, one at a time and in
            the order in which they were made; if that process ends, another goes on. What is asked here is recorded in the database
            and audited, and the process that runs the job acts on it within a second.
            """.flowing,
        subcommands: [
            List.self, Show.self, Watch.self, Stop.self, Resume.self, Cancel.self, Again.self,
        ], defaultSubcommand: List.self)

    struct List: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists all jobs, the newest first.",
            discussion: """
                Example:
                  godwit jobs list --json
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Flag(help: "Only jobs that have not ended for good.") var open = false
        @Flag(help: "Report as JSON.") var json = false

        func execute() async throws {
            var jobs = try await JobControl(try options.loadSources([.database])).list()
            if open { jobs.removeAll(where: \.state.isFinal) }
            show(JobReport.json(jobs)) { JobReport.table(jobs, on: $0) }
        }
    }

    struct Show: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows everything known of a job, with the history of its runs.",
            discussion: """
                Example:
                  godwit jobs show january
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Argument(help: "The job's name.") var name: String
        @Flag(help: "Report as JSON.") var json = false

        func execute() async throws {
            let (job, runs) = try await JobControl(try options.loadSources([.database])).show(name)
            let report = JobReport(job)
            show(report.json(runs)) { _ in report.details(runs) }
        }
    }

    struct Watch: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follows a job until it ends, wherever it runs.",
            discussion: """
                Example:
                  godwit jobs watch january

                Ends with 0 once the job is done, with 30 where it was stopped or cancelled, with 24 where it has failed. Interrupting it
                leaves the job alone.
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Argument(help: "The job's name.") var name: String
        @Flag(help: "Report the end as JSON.") var json = false

        func execute() async throws {
            let configuration = try await JobControl(try options.loadSources([.database])).configuration(of: name)
            let line = ProgressLine()
            let job = try await JobWatch(configuration, name).run { line.show($0) }
            line.end()
            let report = JobReport(job)
            show(report.json) { _ in report.text }
            if job.state != .done { throw ExitCode(JobWatch.exitStatus(job).rawValue) }
        }
    }

    struct Stop: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has a job stop where it is; resume goes on with it.",
            discussion: """
                Example:
                  godwit jobs stop january

                Waits until it has stopped, which takes a second or so.
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Argument(help: "The job's name.") var name: String
        @Flag(help: "Report as JSON.") var json = false

        func execute() async throws {
            let configuration = try await JobControl(try options.loadSources([.database])).configuration(of: name)
            let asked = try await JobControl(configuration).change(name, .stop).job
            let report = JobReport(try await JobWatch(configuration, name).waitForStop(asked))
            show(report.json) { _ in report.text }
        }
    }

    struct Resume: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has relays go on with a job that was stopped, has failed, or was left by its process.",
            discussion: """
                Example:
                  godwit jobs resume january
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Argument(help: "The job's name.") var name: String
        @Flag(help: "Report as JSON.") var json = false

        func execute() async throws {
            let report = JobReport(try await JobControl(try options.loadSources([.database])).change(name, .resume).job)
            show(report.json) { _ in report.queuedText }
        }
    }

    struct Cancel: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a job for good.",
            discussion: """
                Example:
                  godwit jobs cancel january

                What it has published stays published. To be able to go on later, stop it instead.
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Argument(help: "The job's name.") var name: String
        @Flag(help: "Report as JSON.") var json = false

        func execute() async throws {
            let report = JobReport(try await JobControl(try options.loadSources([.database])).change(name, .cancel).job)
            show(report.json) { _ in report.text }
        }
    }

    struct Again: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has relays publish the same again, as another job.",
            discussion: """
                Example:
                  godwit jobs again january

                Takes the same events, those of the same range, to the same topics. The new job is called january-2, or has the next number
                that is free.
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Argument(help: "The name of a job that is done or cancelled.") var name: String
        @Flag(help: "Report as JSON.") var json = false

        func execute() async throws {
            let report = JobReport(try await JobControl(try options.loadSources([.database])).again(name))
            show(report.json) { _ in report.queuedText }
        }
    }
}
