import Appliance
import ArgumentParser

struct RetireCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire",
        abstract: "Forgets a consumer that is no longer wanted: its checkpoints, and all else that is recorded.",
        discussion: """
            Examples:
              godwit retire old-consumer --config godwit.yaml --dry-run
              godwit retire old-consumer
              godwit retire old-consumer --discard-parked

            A consumer that is taken out of the configuration is still known: its rows of an outbox wait for it, and it shows in
            `godwit status`. This ends that. It is refused while a process serves the consumer, while a job publishes its events,
            and, without --discard-parked, while events of it are parked: nobody would deliver them. What the consumer has
            published stays in Kafka. It is audited.

            The role that applied `godwit migrate` may do it; a relay's role may not.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Argument(help: "The consumer's name.") var consumer: String
    @Flag(help: "Only say what would go.") var dryRun = false
    @Flag(help: "Also where events of it are parked, which are then given up.") var discardParked = false
    @Flag(help: "Report as JSON.") var json = false

    func execute() async throws {
        let work = Retiring(try options.load([.database], of: consumer), consumer: consumer)
        let report = try await work.run(
            isDryRun: dryRun, discardingParked: discardParked, actor: CommandActor.current)
        show(report.json) { _ in report.text }
    }
}
