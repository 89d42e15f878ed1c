import Appliance
import ArgumentParser
import EventSourcing

struct PauseCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stops feeding a consumer, in all processes, until `resume`.",
        discussion: """
            Example:
              godwit pause identity --config godwit.yaml

            What was handed over before is finished and acknowledged; then its checkpoints stand. Its segments stay with their
            owners. The order is kept in the database: a restart does not end it. It is audited. Running relays notice at
            their next heartbeat, or at once where `notify.mode` is not `never`.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Report as JSON.") var json = false
    @Argument(help: "The consumer's name.") var consumer: String

    func execute() async throws {
        let configuration = try options.load([.database], of: consumer)
        let order = ControlRequest(consumer: consumer, change: .pause, actor: CommandActor.current)
        let report = try await order.give(configuration)
        show(report.json) { _ in report.text }
    }
}
