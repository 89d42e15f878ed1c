/// Why nothing was changed about dead letters.
package enum DeadLetterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No consumer of the name was ever started on this database.
    case unknownConsumer(String, known: [String])
    /// The event at the position is neither parked nor halted at.
    case notOpen(consumer: String, position: Int64, state: DeadLetter.State?)
    /// Nothing is open that was meant.
    case nothingOpen(consumer: String)
    /// A relay is delivering it at this moment.
    case beingRedriven(consumer: String, position: Int64)

    package var description: String {
        switch self {
        case .unknownConsumer(let name, let known):
            "there is no consumer \(name.debugDescription)"
                + (known.isEmpty
                    ? ": none was ever started on this database" : "; there are \(known.joined(separator: ", "))")
        case .notOpen(let consumer, let position, nil):
            "the event at position \(position) is not parked by consumer \(consumer), and it does not halt there"
        case .notOpen(let consumer, let position, let state?):
            "the event at position \(position) of consumer \(consumer) was \(state.rawValue) already"
        case .nothingOpen(let consumer): "nothing of what was asked for is parked by consumer \(consumer)"
        case .beingRedriven(let consumer, let position):
            "the event at position \(position) of consumer \(consumer) is being redriven at this moment: "
                + "see how it ends, then decide"
        }
    }
}
