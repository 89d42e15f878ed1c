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

            Exit codes:
            \(exitCodes)
            """,
        subcommands: [
            RunCommand.self,
            RepublishCommand.self,
            CatchUpCommand.self,
            VerifyCommand.self,
            AuditCommand.self,
            PreviewCommand.self,
            TailCommand.self,
            StatusCommand.self,
            PauseCommand.self,
            ResumeCommand.self,
            RateCommand.self,
            ParkedCommand.self,
            AcceptSourceCommand.self,
            AdoptCommand.self,
            MigrateCommand.self,
            DoctorCommand.self,
            ConfigCommand.self,
            AppendCommand.self,
            DevCommand.self,
            DemoCommand.self,
            BrokerCommand.self,
        ])

    private static var exitCodes: String {
        ExitStatus.allCases.map { status in
            let code = String(status.rawValue)
            return "  " + String(repeating: " ", count: max(0, 3 - code.count)) + code + "  " + status.meaning
        }.joined(separator: "\n")
    }
}
