import Appliance
import ArgumentParser

struct RunCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Relays events to Kafka until told to stop: the container's entry point.",
        discussion: """
            Example:
              godwit run --config godwit.yaml

            SIGTERM or SIGINT finishes what is in flight, moves the checkpoints and ends; a second signal lets go at once,
            and the next start goes on from the checkpoint. It ends with 3 where work was let go, also since worker.shutdown_timeout
            was over before brokers had acknowledged it. A database or broker that is away is waited for.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions

    var writesLog: Bool { true }

    func execute() async throws {
        let configuration = try options.loadLogging([.database, .kafka, .consumers])
        try await RelayProcess(configuration).runUntilSignalled()
    }
}
