import Consumers
package import EventSourcing

/// Which previewed events wait behind others that cannot be delivered, in the order of the log.
package struct HeldEvents: Sendable {
    /// What an event that cannot be delivered holds up.
    enum Hold: Sendable, Equatable {
        /// Everything behind it in its segment.
        case segment
        /// What is behind it of its aggregate.
        case aggregate
    }

    private let totalSegments: Int
    /// The first event that each segment halts at.
    private var halted: [Int: Int64] = [:]
    /// The first parked event of each aggregate.
    private var parked: [AggregateIdentity: Int64] = [:]

    /// - Parameter letters: what is recorded already.
    package init(_ letters: [DeadLetter] = [], totalSegments: Int) {
        self.totalSegments = totalSegments
        for letter in letters {
            switch letter.state {
            case .halted: hold(.segment, at: letter.position, letter.aggregate)
            case .parked, .redriving: hold(.aggregate, at: letter.position, letter.aggregate)
            case .redriven, .discarded: break
            }
        }
    }

    /// Takes in what is recorded by now: of what was taken in before that stays which nobody has recorded.
    package mutating func update(_ new: HeldEvents, recorded: Set<Int64>) {
        let before = self
        self = new
        for (segment, position) in before.halted where !recorded.contains(position) {
            halted[segment, default: position].formMinimum(position)
        }
        for (aggregate, position) in before.parked where !recorded.contains(position) {
            parked[aggregate, default: position].formMinimum(position)
        }
    }

    /// Takes an event in, and says of one that would be published what it waits for.
    ///
    /// - Parameter event: behind all those before it in the log.
    package mutating func take(_ event: inout EventPreview) {
        if let hold = event.holds {
            self.hold(hold, at: event.position, event.aggregate)
        } else if event.reason == nil {
            event.reason = reason(event)
        }
    }

    private func reason(_ event: EventPreview) -> EventPreview.Reason? {
        if let first = halted[segment(of: event.aggregate)], first < event.position {
            return .init(code: "halted", text: "its segment halts before the event at position \(first)")
        }
        if let first = parked[event.aggregate], first < event.position {
            return .init(code: "parked", text: "it waits behind the parked event at position \(first) of its aggregate")
        }
        return nil
    }

    private mutating func hold(_ hold: Hold, at position: Int64, _ aggregate: AggregateIdentity) {
        switch hold {
        case .segment: halted[segment(of: aggregate), default: position].formMinimum(position)
        case .aggregate: parked[aggregate, default: position].formMinimum(position)
        }
    }

    private func segment(of aggregate: AggregateIdentity) -> Int {
        let id = Array(aggregate.aggregateID.utf8)
        return FNV1aPartitionStrategy().segment(of: id.span.bytes, totalSegments: totalSegments)
    }
}

extension Int64 {
    fileprivate mutating func formMinimum(_ other: Int64) { self = Swift.min(self, other) }
}
