import Appliance
import ArgumentParser

struct DoctorCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks for what keeps relaying from working, and says what fixes it.",
        discussion: """
            Examples:
              godwit doctor --config godwit.yaml
              godwit doctor --json | jq '.findings[] | select(.severity == "error")'

            Asks the database for its schema, rights, sequence, clock, poolers and transactions left open, and the cluster for its
            brokers, topics and their settings. Nothing is changed or written: whether the user may write to a topic
            shows only when it does. Where a consumer delivers exactly once, a transactional id that no relay uses
            (PREFIX-doctor) is taken for a moment. Run it where the relay runs, as the relay's user.

            Ends with 0 if there is no error, else with 4; warnings and notes are no errors.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Report as JSON.") var json = false

    func execute() async throws {
        let loaded = try options.start([.database, .kafka, .consumers])
        let all = try loaded.configuration.chooseEach(source: options.source)
        let reports = await all.concurrentMap { await Doctor($0, warnings: loaded.warnings).examine() }
        let report = DoctorReport(of: zip(all, reports).map { ($0.sourceName, $1) })
        show(report.json) { report.text(on: $0) }
        if report.exitStatus != .success { throw ExitCode(report.exitStatus.rawValue) }
    }
}
