import EventSourcing

/// The consumers of each run: many, as users have them, with both deliveries, scopes and a filter.
enum TorturedConsumer: String, CaseIterable, Sendable {
    case all
    case once
    case orders
    case filtered

    var isExactlyOnce: Bool { self == .once }

    /// Whether it takes an event.
    func wants(context: String, eventType: String) -> Bool {
        switch self {
        case .all, .once: true
        case .orders: context == "Orders"
        case .filtered: eventType != "Noted"
        }
    }

    private var configuration: String {
        switch self {
        case .all: ""
        case .once: ", delivery: exactly_once"
        case .orders: ", bounded_contexts: [Orders]"
        case .filtered: ", except_event_types: [\"No*d\"]"
        }
    }

    func topic(_ stem: String) -> String { "\(stem).\(rawValue)" }

    /// The section of the configuration.
    static func section(_ stem: String) -> String {
        "consumers:\n"
            + allCases.map { consumer in
                "  \(consumer.rawValue): { topic: \(consumer.topic(stem))\(consumer.configuration)"
                    + (consumer.isExactlyOnce ? ", progress_topic: \(stem).progress" : "") + " }\n"
            }.joined()
    }
}
