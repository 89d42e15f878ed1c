/// Why an event has no topic to go to. The event is at fault, or the route: the same event fails every time.
package enum RoutingError: Error, Sendable, Hashable, CustomStringConvertible {
    case name(TopicNameError)
    case notAllowed(String)
    case collision(TopicRegistry.Collision)

    package var description: String {
        switch self {
        case .name(let error): error.description
        case .notAllowed(let topic): "the topic `\(topic)` is not among topics_allowed"
        case .collision(let collision): collision.description
        }
    }
}
