import Appliance
import ArgumentParser
import Synchronization

struct PruneCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Removes what an outbox's consumers have delivered, once it is old enough.",
        discussion: """
            Examples:
              godwit prune --config godwit.yaml --dry-run
              godwit prune
              godwit prune --rate 500
              godwit prune --own-tables

            Rows go once every registered consumer has passed them in every segment, no parked event, job or audit needs them, and
            they have been delivered for `source.retention.delivered_for`. Since when, is known from a history that relays and
            this command keep, not from the rows. It removes in short transactions, at a bounded rate; relays do the same by
            themselves. Old rows of Godwit's own tables go too: decided dead letters, the audit log, ended jobs.

            Of an event store (`source.kind`) nothing is ever removed.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Only say what would be removed, and what keeps the rest.") var dryRun = false
    @Option(help: ArgumentHelp("Rows a second at most, in place of source.retention.rate.", valueName: "rows"))
    var rate: Int?
    @Flag(help: "Leave the events alone: only Godwit's own tables.") var ownTables = false
    @Flag(help: "Report as JSON.") var json = false

    func validate() throws {
        if let rate, rate < 1 { throw ValidationError("--rate must be at least 1") }
        if dryRun, ownTables { throw ValidationError("--dry-run and --own-tables exclude each other") }
    }

    func execute() async throws {
        var request = Pruning.Request()
        (request.isDryRun, request.rate, request.isOwnTablesOnly) = (dryRun, rate, ownTables)
        let all = try options.loadEach([.database])
        // Of several sources those of which nothing is to be removed are passed over.
        let chosen = ownTables ? all : all.filter(\.removesDelivered)
        try await showEach(chosen.isEmpty ? all : chosen, severally: all.count > 1) { configuration in
            let progress = ProgressLine()
            let removed = Atomic<Int64>(0)
            let report = try await Pruning(configuration).run(request) { rows in
                let sum = removed.add(rows, ordering: .relaxed).newValue
                progress.show("\(sum) rows removed")
            }
            progress.end()
            return SourceReport(json: report.json, text: { _ in report.text })
        }
    }
}
