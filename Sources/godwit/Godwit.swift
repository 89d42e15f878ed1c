import Appliance
import ArgumentParser

/// The command line.
@main
struct Godwit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "godwit",
        abstract: "Carries the events of a PostgreSQL event store to Kafka: none lost, in order per aggregate.",
        discussion: """
            Try it:           godwit demo
            A place to play:  godwit dev
            In earnest:       godwit migrate --config godwit.yaml && godwit run --config godwit.yaml

            """,
        version: Version.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Relay and jobs",
                subcommands: [
                    RunCommand.self, CatchUpCommand.self, RepublishCommand.self, JobsCommand.self, VerifyCommand.self,
                ]),
            CommandGroup(
                name: "Look",
                subcommands: [
                    StatusCommand.self, DoctorCommand.self, PreviewCommand.self, TailCommand.self, AuditCommand.self,
                ]),
            CommandGroup(
                name: "Operate",
                subcommands: [
                    PauseCommand.self, ResumeCommand.self, RateCommand.self, ParkedCommand.self,
                    ResegmentCommand.self, PruneCommand.self, RetireCommand.self, AcceptSourceCommand.self,
                ]),
            CommandGroup(
                name: "Set up",
                subcommands: [ConfigCommand.self, AdoptCommand.self, MigrateCommand.self, ExitCodesCommand.self]),
            CommandGroup(
                name: "Try", subcommands: [DemoCommand.self, DevCommand.self, AppendCommand.self, BrokerCommand.self]),
        ])

    static func main() async {
        var commands: [String] = []
        for group in configuration.groupedSubcommands {
            for command in group.subcommands { commands.append(command.configuration.commandName ?? "") }
        }
        if let mistake = CommandSuggestion.message(Array(CommandLine.arguments.dropFirst()), commands: commands) {
            standardError("\(Terminal.of(.error).paint("godwit:", .bad)) \(mistake)")
            exit(withError: ExitCode(ExitStatus.usage.rawValue))
        }
        await main(nil)
    }
}
