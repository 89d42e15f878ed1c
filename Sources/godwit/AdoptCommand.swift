import Appliance
import ArgumentParser
import EventSourcing
import Postgres

struct AdoptCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt",
        abstract: "Looks at a table that holds events, and says what makes it a source.",
        discussion: """
            Examples:
              godwit adopt public.outbox
              godwit adopt shop.mt_events --grants relay --apply --online
              godwit adopt public.events --map aggregate_id=customer --constant aggregate_type=Customer

            Recognises the tables of pupsourcing, Debezium's outbox, Marten, Emmett, Rails Event Store and Python's
            eventsourcing; of any other it guesses by names and types, and says what it could not find. It prints the
            section `source` of the configuration, the statements, and the grants for a role. Nothing is changed without
            --apply.

            Positions come from a column of Godwit's own, which each INSERT draws by itself: no statement of the service
            changes. A sequence that is there already is used with --use-existing-sequence only: no catalog shows whether
            writers draw its values ahead, in another transaction, and then events would be lost.

            A table with rows needs --online: it goes by steps, none of which keeps writers waiting for longer than a
            moment. Old rows come before all new ones, in the order that is stated (--order-by). What was interrupted goes on
            with the next attempt. The relay is started afterwards, and refuses to start before.

            Where rows are deleted right after they are inserted, nothing is left to read: --copy prints a trigger instead,
            which copies each row into Godwit's own events (godwit migrate makes that table), in the same transaction.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Argument(help: "The table, as schema.table; in double quotes what holds other characters.") var table: String
    @Flag(help: "Do it.") var apply = false
    @Flag(help: "Go by steps, beside writers: for a table with rows.") var online = false
    @Flag(help: "Take positions from a sequence that the table has; only where each INSERT draws from it itself.")
    var useExistingSequence = false
    @Option(
        help: ArgumentHelp(
            "What old rows are ordered by, before the key; columns separated by commas.", valueName: "columns"))
    var orderBy: String?
    @Option(
        help: ArgumentHelp(
            "The column of a field, as field=column; may be given several times.", valueName: "field=column"))
    var map: [String] = []
    @Option(
        help: ArgumentHelp(
            "The same text for all events, as field=text; may be given several times.", valueName: "field=text"))
    var constant: [String] = []
    @Option(help: ArgumentHelp("The role that relays, for the grants.", valueName: "role")) var grants: String?
    @Flag(help: "Copy each new row into Godwit's own events by a trigger, instead of reading the table.") var copy =
        false
    @Flag(help: "Report as JSON.") var json = false

    func execute() async throws {
        let configuration = try options.load([.database])
        let connection = try await configuration.database.connect()
        var request = AdoptionRequest(table: table)
        request.usesExistingSequence = useExistingSequence
        request.applies = apply
        request.order = orderBy?.split(separator: ",").map(String.init) ?? []
        (request.columns, request.constants) = (map, constant)
        let report = try await request.report(configuration, on: connection)
        if copy { return try await makeCopies(report, on: connection) }
        let refusals = report.refusals
        let rights = try grants.map { try Grants.source(report.survey.table, to: $0) }
        guard refusals.isEmpty else {
            if json {
                standardOutput(report.json(grants: nil, applied: false).indentedText)
            } else if report.plan.refusals.isEmpty {
                standardOutput(report.text(grants: nil))
            }
            throw Failure(.databaseUnfit, refusals.joined(separator: "\n"))
        }
        if !json { standardOutput(report.text(grants: rights)) }
        if apply {
            if let failure = report.missingOwnership { throw failure }
            if report.plan.isOnline, !online { throw Failure(.usage, report.onlineAdvice) }
            try await perform(report, rights, on: connection)
        }
        if json { standardOutput(report.json(grants: rights, applied: apply).indentedText) }
        await connection.close()
    }

    private func makeCopies(_ report: AdoptionReport, on connection: Connection) async throws {
        guard let trigger = report.copyTrigger else {
            throw Failure(.databaseUnfit, report.refusals.joined(separator: "\n"))
        }
        if json {
            let statements = ([trigger.schema] + trigger.statements).map { JSONValue.string($0) }
            standardOutput((["statements": .array(statements), "applied": .boolean(apply)] as JSONValue).indentedText)
        } else {
            standardOutput(([trigger.schema] + trigger.statements).map { $0 + ";" }.joined(separator: "\n"))
        }
        if apply {
            try await Adoption.apply(trigger, on: connection)
            standardError(
                "each row that is inserted from now on is copied; the configuration needs no section `source`")
        }
        await connection.close()
    }

    private func perform(_ report: AdoptionReport, _ rights: String?, on connection: Connection) async throws {
        var last: Int64 = 0
        if report.plan.steps.isEmpty { standardError("the table is a source already: nothing was changed") }
        try await Adoption(connection).apply(report.plan) { step, numbered in
            guard let numbered else { return standardError(step.title) }
            guard numbered - last >= 100_000 else { return }
            last = numbered
            standardError("  \(numbered) rows")
        }
        if let rights { try await connection.execute(script: rights) }
        standardError(
            "adopted: put the section `source` into the configuration, then godwit migrate"
                + "\(grants.map { " --grants \($0)" } ?? ""), and godwit run")
    }
}
