import FoundationEssentials

/// Which events of a scope are wanted, beyond its contexts and aggregate types. What it leaves out counts as passed.
public struct EventFilter: Sendable, Hashable {
    /// The event types wanted, as names or patterns; empty for all.
    public var eventTypes: [NamePattern]
    /// The event types that are left out of those.
    public var exceptEventTypes: [NamePattern]
    /// All of these must hold.
    public var conditions: [EventCondition]

    /// Wants events of one of the types, and of none of the exceptions, for which all conditions hold.
    public init(
        eventTypes: [NamePattern] = [], exceptEventTypes: [NamePattern] = [], conditions: [EventCondition] = []
    ) {
        self.eventTypes = eventTypes
        self.exceptEventTypes = exceptEventTypes
        self.conditions = conditions
    }

    /// Leaves nothing out.
    public static let none = EventFilter()

    /// Whether it leaves nothing out.
    public var isEmpty: Bool { !looksAtTypes && conditions.isEmpty }

    package var looksAtTypes: Bool { !eventTypes.isEmpty || !exceptEventTypes.isEmpty }

    /// What of an event it looks into.
    package var parts: Set<EventCondition.Part> { Set(conditions.map(\.part)) }

    /// The largest payload that is looked into, whatever can be sent of it.
    package static let largestPayload = 16 << 20

    package enum Decision: Sendable, Equatable {
        case wanted
        case unwanted
        /// A condition is on a payload that is not JSON, or that is larger than ``largestPayload``.
        case undecidable
    }

    package func wants(eventType: RawSpan) -> Bool {
        if !eventTypes.isEmpty, !eventTypes.contains(where: { $0.matches(eventType) }) { return false }
        return !exceptEventTypes.contains { $0.matches(eventType) }
    }

    package func decide(_ event: EventView) -> Decision {
        if looksAtTypes, !wants(eventType: event.eventType) { return .unwanted }
        var isUndecidable = false
        for condition in conditions {
            switch condition.outcome(for: event) {
            case .met where condition.isExclusion, .unmet where !condition.isExclusion: return .unwanted
            case .met, .unmet: break
            case .undecidable: isUndecidable = true
            }
        }
        return isUndecidable ? .undecidable : .wanted
    }

    /// Whether the same events are wanted, however names and values are ordered or repeated.
    package func isEquivalent(to other: EventFilter) -> Bool {
        func parts(_ filter: EventFilter) -> (Set<NamePattern>, Set<NamePattern>, Set<[String]>) {
            (
                Set(filter.eventTypes), Set(filter.exceptEventTypes),
                Set(
                    filter.conditions.map {
                        [$0.part.rawValue, $0.pointer.description, "\($0.isExclusion)"] + Set($0.values).sorted()
                    })
            )
        }
        return parts(self) == parts(other)
    }
}

// MARK: As text

extension EventFilter {
    private struct Text: Codable {
        struct Condition: Codable {
            let part: String
            let pointer: String
            let values: [String]
            let not: Bool
        }

        let types: [String]
        let except: [String]
        let conditions: [Condition]
    }

    /// JSON, as it is recorded with checkpoints, progress and jobs; empty if nothing is left out.
    package var text: String {
        if isEmpty { return "" }
        let text = Text(
            types: eventTypes.map(\.description), except: exceptEventTypes.map(\.description),
            conditions: conditions.map {
                Text.Condition(
                    part: $0.part.rawValue, pointer: $0.pointer.description, values: $0.values, not: $0.isExclusion)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Nothing in it that JSON cannot have.
        let data = (try? encoder.encode(text)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    /// - Throws: where it is none that ``text`` gave.
    package init(text: String) throws(EventFilterError) {
        if text.isEmpty {
            self = .none
            return
        }
        guard let parts = try? JSONDecoder().decode(Text.self, from: Data(text.utf8)) else {
            throw EventFilterError(text: text)
        }
        var conditions: [EventCondition] = []
        for condition in parts.conditions {
            guard let part = EventCondition.Part(rawValue: condition.part),
                let pointer = try? JSONPointer(condition.pointer)
            else { throw EventFilterError(text: text) }
            conditions.append(
                EventCondition(part, pointer, oneOf: condition.values, isExclusion: condition.not))
        }
        self.init(
            eventTypes: parts.types.map { NamePattern($0) }, exceptEventTypes: parts.except.map { NamePattern($0) },
            conditions: conditions)
    }

    /// In the words of the configuration.
    package var words: [String] {
        var words: [String] = []
        func list(_ name: String, _ values: [String]) {
            if !values.isEmpty { words.append("\(name): [\(values.joined(separator: ", "))]") }
        }
        list("event_types", eventTypes.map(\.description))
        list("except_event_types", exceptEventTypes.map(\.description))
        for condition in conditions {
            words.append("\(condition.key): { \(condition.pointer): [\(condition.values.joined(separator: ", "))] }")
        }
        return words
    }
}

/// A recorded filter that cannot be read: a later version wrote it, or it was changed by hand.
package struct EventFilterError: Error, Sendable, Hashable, CustomStringConvertible {
    let text: String

    package var description: String {
        "a recorded filter of events cannot be read: \(text.prefix(200)); a later version of Godwit may have written it"
    }
}
