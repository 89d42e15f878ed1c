import Appliance
import ArgumentParser
import Consumers
import EventSourcing

struct AcceptSourceCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept-source",
        abstract: "Goes on with an events table that relays refuse to read, after you have understood why.",
        discussion: """
            Examples:
              godwit accept-source --config godwit.yaml
              godwit accept-source --yes
              godwit accept-source --from 120000 --yes

            Relays stop reading where events could be passed over: the sequence was reset, altered or replaced, the database was
            restored or upgraded, a partition with older positions was attached. `godwit status` says which. What can simply be
            fixed (CACHE, a policy, rights) needs no acceptance, except that altering a sequence counts as a change of it.

            Without --yes it only says what it would do. By default every event that is in the table now is published again:
            nothing is lost, and readers see what they had before a second time. With --from they go on behind a position, with
            --keep-checkpoints where they were: right where positions mean the same events as before, for example after
            ALTER SEQUENCE … CACHE 1 or pg_upgrade. It is audited.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Report as JSON.") var json = false
    @Flag(help: "Do it.") var yes = false
    @Option(help: ArgumentHelp("Go on behind this position; 0 for the beginning.", valueName: "position"))
    var from: Int64?
    @Flag(help: "Go on where the consumers are.") var keepCheckpoints = false
    @Option(help: ArgumentHelp("Only this consumer; may be given several times. All otherwise.", valueName: "name"))
    var consumer: [String] = []

    func validate() throws {
        if from != nil, keepCheckpoints { throw ValidationError("--from and --keep-checkpoints exclude each other") }
        if let from, from < 0 { throw ValidationError("--from must not be below 0") }
    }

    func execute() async throws {
        let configuration = try options.load([.database, .consumers], of: consumer.first)
        let request = SourceAcceptanceRequest(
            consumers: consumer, start: keepCheckpoints ? .checkpoints : from.map { .after($0) }, isConfirmed: yes,
            actor: CommandActor.current)
        let report = try await request.carryOut(configuration)
        show(report.json) { _ in report.text }
    }
}
