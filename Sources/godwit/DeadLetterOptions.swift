import Appliance
import ArgumentParser
import KafkaBridge

/// Which dead letters are meant.
struct DeadLetterOptions: ParsableArguments {
    @Option(help: "The event at this global position.") var position: Int64?
    @Option(help: ArgumentHelp("The events of the aggregate of this id.", valueName: "id")) var aggregate: String?
    @Option(help: ArgumentHelp("Where the id is not enough: of this aggregate type.", valueName: "type"))
    var aggregateType: String?
    @Option(help: ArgumentHelp("Where the id is not enough: of this bounded context.", valueName: "context"))
    var context: String?

    var isEmpty: Bool { position == nil && aggregate == nil && aggregateType == nil && context == nil }

    func selection(_ consumer: String?) -> DeadLetterSelection {
        DeadLetterSelection(
            consumer: consumer, position: position, aggregateID: aggregate, aggregateType: aggregateType,
            boundedContext: context)
    }
}

/// What a decision is about.
struct DecisionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The consumer's name.", valueName: "name")) var consumer: String
    @OptionGroup var chosen: DeadLetterOptions
    @Flag(help: "All that there are of the consumer.") var all = false
    @Flag(help: "Report as JSON.") var json = false

    func validate() throws {
        if all == chosen.isEmpty { return }
        throw ValidationError(
            all ? "--all goes with no other choice" : "say which: --position, --aggregate, or --all")
    }

    func carryOut(_ decision: ParkedEvents.Decision, _ options: ConfigurationOptions) async throws {
        let work = ParkedEvents(try options.load([.database], of: consumer))
        let report = try await work.decide(decision, chosen.selection(consumer), of: consumer)
        standardOutput(json ? report.json.indentedText : CommandHints.complete(report.text))
    }
}
