import Appliance
import ArgumentParser

struct RateCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "rate", abstract: "Bounds how many events a consumer relays per second, over all processes.",
        discussion: """
            Examples:
              godwit rate identity 200 --config godwit.yaml
              godwit rate identity off --config godwit.yaml

            Every process takes the part of the rate that its segments are of all the consumer's segments. The order is kept
            in the database: a restart does not end it. It is audited. Running relays notice at their next heartbeat, or
            at once where `notify.mode` is not `never`.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Report as JSON.") var json = false
    @Argument(help: "The consumer's name.") var consumer: String
    @Argument(help: "Events per second, or `off` to lift the bound.") var rate: String

    func execute() async throws {
        let change = try ControlRequest.rate(rate)
        let configuration = try options.load([.database], of: consumer)
        let order = ControlRequest(consumer: consumer, change: change, actor: CommandActor.current)
        let report = try await order.give(configuration)
        show(report.json) { _ in report.text }
    }
}
