/// Why no record can be made of an event as the consumer's configuration asks for it. It names places, never what is in them.
package enum RecordProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is made of a template.
    package enum Part: String, Sendable {
        case key, partition
        case source = "cloudevents_source"
    }

    /// A place that the template names has no text.
    case gap(Part, EventPlace.Gap)
    case emptyKey
    /// The text of `partition` is no whole number from 0.
    case noPartition
    case partitionBeyond(Int32, count: Int32, topic: String)
    /// The payload is not JSON, so that `value` cannot reduce it.
    case payloadNotJSON
    /// `keep` is asked of a payload that has no members.
    case payloadWithoutMembers
    /// Members of one object would have the same name.
    case renamedTwice(String)
    /// What is to be hashed is a string that no text is.
    case hashedSurrogate
    /// CloudEvents require an attribute that the event would leave empty.
    case emptyAttribute(String)
    /// An attribute that CloudEvents require would hold a character that they do not allow.
    case illegalAttribute(String)

    package var description: String {
        switch self {
        case .gap(let part, let gap):
            "its \(part.rawValue) cannot be made: \(gap.place) \(gap.flaw.text); "
                + "correct the event, or \"\(part.rawValue)\" of the consumer"
        case .emptyKey: "its key would be empty: correct the event, or \"key\" of the consumer"
        case .noPartition:
            "what \"partition\" makes of it is no whole number from 0: correct the event, or \"partition\" of the consumer"
        case .partitionBeyond(let partition, let count, let topic):
            "it is meant for partition \(partition), and topic `\(topic)` has \(count): "
                + "add partitions, or correct \"partition\" of the consumer"
        case .payloadNotJSON:
            "its payload is not JSON, or nested too deeply, so that \"value\" cannot reduce it, and it is not sent whole: correct the event"
        case .payloadWithoutMembers:
            "its payload is neither an object nor an array, so that it has none of the members that \"value.keep\" names"
        case .renamedTwice(let name):
            "two members of one object of its payload would be called \(name): correct \"value.rename\" of the consumer"
        case .hashedSurrogate:
            "a text to be hashed in its payload holds half of a surrogate pair, which no UTF-8 has: correct the event"
        case .emptyAttribute(let name):
            "its CloudEvents attribute \(name) would be empty, and the standard requires it: correct the event"
        case .illegalAttribute(let name):
            "its CloudEvents attribute \(name) would hold a control character, which the standard does not allow: "
                + "correct the event"
        }
    }
}

extension EventPlace.Flaw {
    /// The end of a sentence whose subject is the place.
    var text: String {
        switch self {
        case .absent: "is not there"
        case .null: "is null"
        case .object: "is an object"
        case .array: "is an array"
        case .surrogate: "holds half of a surrogate pair, which no text has"
        case .notJSON: "cannot be looked up, since the text is not JSON"
        }
    }
}
