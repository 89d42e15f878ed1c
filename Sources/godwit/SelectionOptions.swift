import Appliance
import ArgumentParser
import FoundationEssentials

/// Which events, for the commands that take a part of the log.
struct SelectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The first position; when not given, the first there is, or for republish the first behind the consumer's start.",
            valueName: "position"))
    var fromPosition: Int64?

    @Option(
        help: ArgumentHelp(
            "The last position; when not given, the last that is settled now.", valueName: "position"))
    var toPosition: Int64?

    @Option(
        name: [.customLong("from-time"), .customLong("from"), .customLong("since")],
        help: ArgumentHelp(
            "Only events that happened then or later: 7d (ago), 2026-01-31, \"2026-01-31 09:15\" (UTC), or RFC 3339.",
            valueName: "time"))
    var fromTime: String?

    @Option(
        name: [.customLong("to-time"), .customLong("to"), .customLong("until")],
        help: ArgumentHelp("Only events that happened before, written likewise.", valueName: "time"))
    var toTime: String?

    @Option(help: ArgumentHelp("Only this bounded context; may be repeated.", valueName: "name"))
    var context: [String] = []

    @Option(help: ArgumentHelp("Only this aggregate type; may be repeated.", valueName: "name"))
    var aggregateType: [String] = []

    @Option(help: ArgumentHelp("Only this aggregate; may be repeated.", valueName: "id"))
    var aggregateID: [String] = []

    @Option(help: ArgumentHelp("Only this event type; may be repeated.", valueName: "name"))
    var eventType: [String] = []

    @Option(
        name: [.customLong("to-topic"), .customLong("topic")],
        help: ArgumentHelp(
            "Another topic than the consumer's: a name, or a template such as replay.{aggregate_type}.",
            valueName: "template"))
    var toTopic: String?

    func validate() throws {
        for text in [fromTime, toTime].compactMap({ $0 }) where TimeText(text, now: .now) == nil {
            throw ValidationError("\"\(text)\" is no time; write \(TimeText.forms)")
        }
    }

    var request: SelectionRequest {
        var request = SelectionRequest()
        request.fromPosition = fromPosition
        request.toPosition = toPosition
        // They were looked at before.
        try? request.setTimes(from: fromTime, to: toTime, names: ("--from", "--to"))
        request.contexts = context
        request.aggregateTypes = aggregateType
        request.aggregateIDs = aggregateID
        request.eventTypes = eventType
        request.topic = toTopic
        return request
    }
}
