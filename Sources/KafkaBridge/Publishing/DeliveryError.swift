package import Kafka

/// Why events of a segment are not delivered. What passes by itself is never one: that is waited out.
package enum DeliveryError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The publisher was closed, or the task cancelled.
    case closed
    /// The client cannot be built with its configuration.
    case configuration(KafkaError)

    package var description: String {
        switch self {
        case .closed: "the publisher is closed"
        case .configuration(let error): error.description
        }
    }
}
