import Appliance
import ArgumentParser

struct ResegmentCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "resegment",
        abstract: "Divides a consumer's aggregates into another number of segments, while its relays run.",
        discussion: """
            Examples:
              godwit resegment identity --to 16 --config godwit.yaml --dry-run
              godwit resegment identity --to 16

            A consumer is served by as many processes at most as it has segments. Relays give the consumer's segments back, they are
            exchanged in one transaction, and the relays go on with the new ones, without a restart. Nothing is lost, doubled or
            out of order; parked events and halts go with their aggregates. If it ends in the middle, the relays go on as before.

            A process that serves the consumer and does not answer, a stopped one for example, is waited for by name, for 30 s at
            most (--wait); then nothing is changed.

            Of a consumer that delivers exactly once it takes the segments over in Kafka first, with a transactional id of its own, and
            gives the topic of the progress a partition for each segment, where topics are made (kafka.topics.create).

            It is refused while pupsourcing's own workers or relays of an earlier version serve the consumer. The role that applied `godwit migrate` may do it; a relay's role may not. It is audited.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Argument(help: "The consumer's name.") var consumer: String
    @Option(help: ArgumentHelp("How many segments it is to have.", valueName: "segments")) var to: Int
    @Flag(help: "Only report the present state.") var dryRun = false
    @Option(help: ArgumentHelp("How long segments may take to be given back.", valueName: "seconds")) var wait = 30
    @Flag(help: "Report as JSON.") var json = false

    func validate() throws {
        guard (1...3600).contains(wait) else { throw ValidationError("--wait must lie in 1 to 3600") }
        guard (1...4096).contains(to) else { throw ValidationError("--to must lie in 1 to 4096") }
    }

    func execute() async throws {
        let report = try await Resegmenting(try options.load([.database], of: consumer)).run(
            consumer, to: to, isDryRun: dryRun, patience: .seconds(wait), actor: CommandActor.current
        ) { standardError($0) }
        show(report.json) { _ in report.text }
    }
}
