package import Kafka

/// Why events of a segment are not delivered. What passes by itself is never one: that is waited out.
package enum DeliveryError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The event can never be delivered as it is, and the route's policy is to halt.
    case poison(position: Int64, reason: String)
    /// The publisher was closed, or the task cancelled.
    case closed
    /// The client cannot be built with its configuration.
    case configuration(KafkaError)

    package var description: String {
        switch self {
        case .poison(let position, let reason): "the event at position \(position) cannot be delivered: \(reason)"
        case .closed: "the publisher is closed"
        case .configuration(let error): error.description
        }
    }
}
