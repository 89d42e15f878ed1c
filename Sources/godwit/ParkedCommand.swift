import Appliance
import ArgumentParser
import KafkaBridge

struct ParkedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parked", abstract: "Shows events that Kafka could not take, and decides about them.",
        discussion: """
            Examples:
              godwit parked list --config godwit.yaml
              godwit parked redrive --consumer identity --aggregate user-17
              godwit parked discard --consumer identity --position 4711

            An event that can never be delivered as it is halts its segment, or is parked with the later events of its
            aggregate, as the consumer's `on_poison` says. What is decided here is kept in the database and audited; the relay
            that owns the segment acts on it within seconds, or once it runs.
            """.flowing,
        subcommands: [List.self, Show.self, Redrive.self, Discard.self, Park.self])

    struct List: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists what is parked, and where segments halt, in the order of positions.",
            discussion: """
                Example:
                  godwit parked list --consumer identity --json
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Option(help: ArgumentHelp("Only of this consumer.", valueName: "name")) var consumer: String?
        @OptionGroup var chosen: DeadLetterOptions
        @Flag(help: "Also what was redriven or discarded.") var history = false
        @Option(help: "List at most so many.") var limit = 1_000
        @Flag(help: "Report as JSON.") var json = false

        func validate() throws {
            guard limit >= 1 else { throw ValidationError("--limit must be at least 1") }
        }

        func execute() async throws {
            let all = try consumer.map { [try options.load([.database], of: $0)] } ?? options.loadEach([.database])
            try await showEach(all) { configuration in
                let own = Set(configuration.consumers.map(\.name))
                let report = try await ParkedEvents(configuration).list(
                    chosen.selection(consumer), isHistory: history, limit: limit,
                    others: Set(all.flatMap(\.consumers).map(\.name)).subtracting(own))
                return SourceReport(json: report.json, text: { _ in report.text })
            }
        }
    }

    struct Show: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows everything known of one event, also after it was decided about.",
            discussion: """
                Example:
                  godwit parked show --consumer identity --position 4711
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Option(help: ArgumentHelp("The consumer's name.", valueName: "name")) var consumer: String
        @Option(help: "The event's global position.") var position: Int64
        @Flag(help: "Report as JSON.") var json = false

        func execute() async throws {
            let report = try await ParkedEvents(try options.load([.database], of: consumer)).show(
                position, of: consumer)
            show(report.json) { _ in report.details }
        }
    }

    struct Redrive: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has parked aggregates delivered again, each from its first parked event on, in order.",
            discussion: """
                Example:
                  godwit parked redrive --consumer identity --all

                A position stands for its aggregate: no event is delivered before an earlier one of its aggregate. A segment
                that halts at the event tries it at once. What fails again is parked again, with one attempt more.
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @OptionGroup var decision: DecisionOptions

        func execute() async throws { try await decision.carryOut(.redrive, options) }
    }

    struct Discard: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Decides that events are not to be delivered; what waits behind them goes on.",
            discussion: """
                Example:
                  godwit parked discard --consumer identity --position 4711

                Nothing is deleted: the events stay in the store, and the decision in the table of dead letters.
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @OptionGroup var decision: DecisionOptions

        func execute() async throws { try await decision.carryOut(.discard, options) }
    }

    struct Park: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Parks events that segments halt at, so that the segments go on without their aggregates.",
            discussion: """
                Example:
                  godwit parked park --consumer identity --position 4711
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @OptionGroup var decision: DecisionOptions

        func execute() async throws { try await decision.carryOut(.park, options) }
    }
}
