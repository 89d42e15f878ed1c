/// What becomes of an event that can never be delivered.
package enum PoisonPolicy: Sendable, Hashable {
    /// Its segment halts before it until an operator fixes what is wrong, or decides about it.
    case halt
    /// It and the later events of its aggregate are set aside until an operator decides about them.
    case park
    /// It goes to a topic of its own, and the later events of its aggregate go on.
    case deadLetterTopic(TopicName)
}

/// What is done about one such event. A pure value.
enum PoisonFate: Sendable, Equatable {
    case halt(Rejection)
    case park
    case deadLetter(TopicName, omitting: DeadLetterNote.Omission)

    /// So many aggregates may be parked by a publisher: where more fail, the route is at fault and not the events, and
    /// neither memory nor table should fill with them.
    static let mostAggregates = 10_000

    /// - Parameters:
    ///   - note: what was noted for the dead-letter topic, if the event was on its way there already.
    ///   - parked: how many aggregates are parked; `nil` where there is no table to park in.
    static func decide(
        _ flaw: Rejection, policy: PoisonPolicy, note: DeadLetterNote?, parked: Int?, most: Int = mostAggregates
    ) -> PoisonFate {
        switch policy {
        case .halt: return .halt(flaw)
        case .park:
            guard let parked else { return .halt(flaw) }
            guard parked < most else {
                let error =
                    "\(flaw.error); it is not parked, because \(parked) aggregates are: "
                    + "fix what is wrong with all of them, or discard them"
                return .halt(Rejection(reason: .tooMany, error: error, topic: flaw.topic))
            }
            return .park
        case .deadLetterTopic(let topic):
            guard let note else { return .deadLetter(topic, omitting: .nothing) }
            // Where even its own topic is too small for it, the event still is in the store.
            if flaw.reason == .tooLarge {
                if note.omittedBytes == nil { return .deadLetter(topic, omitting: .value) }
                if !note.isMinimal { return .deadLetter(topic, omitting: .allButIdentity) }
            }
            let error = "\(note.error); and the dead-letter topic does not take it either: \(flaw.error)"
            return .halt(Rejection(reason: flaw.reason, error: error, topic: note.topic))
        }
    }
}
