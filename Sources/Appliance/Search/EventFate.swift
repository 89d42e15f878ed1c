import Consumers
import EventSourcing
import KafkaBridge

/// What became of an event with a consumer, or why nothing did. A pure decision.
struct EventFate: Sendable, Hashable {
    enum Kind: String, Sendable, CaseIterable {
        /// Brokers have acknowledged its record, as the checkpoint says.
        case delivered
        /// It went to the dead-letter topic.
        case deadLettered = "dead_lettered"
        /// It is still to come.
        case waiting
        case parked
        case halted
        case redriving
        case discarded
        /// The consumer does not want it.
        case notTaken = "not_taken"
        /// The consumer began behind it, or did not want it then.
        case passedOver = "passed_over"
        /// The checkpoint is behind it; what was recorded of failures is not known.
        case passed
        /// The consumer was never started.
        case notStarted = "not_started"
        /// Nothing is known of the consumer.
        case unknown
    }

    let kind: Kind
    /// For people.
    let text: String

    /// - Parameters:
    ///   - preview: what the consumer would make of it.
    ///   - letter: what is recorded of its failure.
    ///   - checkpoint: of its segment; `nil` where the consumer was never started.
    ///   - isSeen: whether the database was seen: otherwise checkpoints are known of this process's own segments only.
    ///   - knowsLetters: whether what is recorded of failures could be read.
    ///   - state: of the consumer, in a word.
    static func decide(
        _ preview: EventPreview, letter: DeadLetter?, checkpoint: Int64?, state: String, isSeen: Bool = true,
        knowsLetters: Bool = true, hidesValues: Bool = false
    ) -> EventFate {
        decide(
            preview.position, preview.reason, letter: letter, checkpoint: checkpoint, state: state, isSeen: isSeen,
            knowsLetters: knowsLetters, hidesValues: hidesValues)
    }

    /// - Parameter reason: why the consumer would not publish it.
    static func decide(
        _ position: Int64, _ reason: EventPreview.Reason?, letter: DeadLetter?, checkpoint: Int64?, state: String,
        isSeen: Bool = true,
        knowsLetters: Bool = true, hidesValues: Bool = false
    ) -> EventFate {
        if let letter, letter.state != .redriven {
            switch letter.state {
            case .parked: return EventFate(kind: .parked, text: letter.error)
            case .halted: return EventFate(kind: .halted, text: letter.error)
            case .redriving: return EventFate(kind: .redriving, text: "a relay is delivering it again at this moment")
            case .discarded: return EventFate(kind: .discarded, text: "an operator discarded it: \(letter.error)")
            case .redriven: break
            }
        }
        let code = reason?.code
        if code == EventPreview.Reason.outsideScope {
            let text = hidesValues ? "it is outside of the consumer's scope" : reason?.text ?? ""
            return EventFate(kind: .notTaken, text: text)
        }
        if code == "before_start" || code == "outside_former_scope" {
            return EventFate(
                kind: .passedOver,
                text: [reason?.text, reason?.consequence].compactMap(\.self).joined(separator: "; "))
        }
        if !isSeen, checkpoint.map({ $0 < position }) ?? true {
            return EventFate(
                kind: .unknown, text: "where the consumer is cannot be seen: the database has not answered a look yet")
        }
        guard let checkpoint else { return EventFate(kind: .notStarted, text: "the consumer was never started") }
        if checkpoint >= position {
            if letter?.state == .redriven { return EventFate(kind: .delivered, text: "delivered after a redrive") }
            if let reason, reason.consequence?.contains("dead-letter topic") == true {
                return EventFate(kind: .deadLettered, text: reason.text)
            }
            guard knowsLetters else {
                return EventFate(
                    kind: .passed,
                    text:
                        "passed: the checkpoint is behind it, at \(CountText.format(checkpoint)); whether it was delivered, parked "
                        + "or discarded is not known, since the records of failures cannot be read")
            }
            return EventFate(
                kind: .delivered, text: "the checkpoint of its segment is behind it, at \(CountText.format(checkpoint))"
            )
        }
        let why = reason.map { ": \($0.text)" } ?? ", which is \(state)"
        return EventFate(kind: .waiting, text: "its segment is at \(CountText.format(checkpoint))\(why)")
    }

    var title: String {
        switch kind {
        case .delivered: "delivered"
        case .deadLettered: "in the dead-letter topic"
        case .waiting: "waiting"
        case .parked: "parked"
        case .halted: "halts its segment"
        case .redriving: "being redriven"
        case .discarded: "discarded"
        case .notTaken: "not taken"
        case .passedOver: "passed over"
        case .passed: "passed"
        case .notStarted: "not started"
        case .unknown: "not known"
        }
    }

    var tone: String {
        switch kind {
        case .delivered: "good"
        case .parked, .halted: "bad"
        case .waiting, .redriving, .deadLettered, .discarded: "note"
        case .notTaken, .passedOver, .passed, .notStarted, .unknown: ""
        }
    }
}
