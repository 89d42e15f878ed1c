/// Why committed events and records cannot be compared at all.
package enum VerificationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The consumer's records do not say which events they carry.
    case unnamedEvents(consumer: String)

    package var description: String {
        switch self {
        case .unnamedEvents(let consumer):
            """
            cannot tell: records of the consumer \(consumer) do not say which events they carry, since "consumers.\(consumer).headers" \
            leaves out event_id; set it to minimal, or to a list with event_id, and start the relay anew. What was published \
            before cannot be compared: give --from-position
            """
        }
    }
}
