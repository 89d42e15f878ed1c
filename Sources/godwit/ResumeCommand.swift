import Appliance
import ArgumentParser
import EventSourcing

struct ResumeCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Lets a paused consumer go on, in all processes.",
        discussion: """
            Example:
              godwit resume identity --config godwit.yaml

            It goes on from its checkpoints. A rate that was ordered still holds. The order is audited.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Report as JSON.") var json = false
    @Argument(help: "The consumer's name.") var consumer: String

    func execute() async throws {
        let configuration = try options.load([.database], of: consumer)
        let order = ControlRequest(consumer: consumer, change: .resume, actor: CommandActor.current)
        let report = try await order.give(configuration)
        show(report.json) { _ in report.text }
    }
}
