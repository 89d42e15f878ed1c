/// What the client last learnt about its brokers. A pure value; the producer logs the transitions, not the events.
package struct BrokerConnection: Sendable, Equatable {
    package enum Status: Sendable, Equatable {
        case unknown
        case up
        case down(KafkaError)
    }

    package enum Transition: Sendable, Equatable {
        case none
        case wentDown(KafkaError)
        case cameUp
    }

    package private(set) var status = Status.unknown

    package init() {}

    /// An error event of the client.
    package mutating func observe(_ error: KafkaError) -> Transition {
        // `_TRANSPORT` is one broker, and comes with every attempt; only its first mention says something new.
        let isOutage: Bool =
            switch error.code {
            case .transport, .allBrokersDown, .unresolved, .authentication, .tls, .saslAuthenticationFailed: true
            default: false
            }
        guard isOutage else { return .none }
        if case .down(let known) = status {
            // Another reason is news, another wording of the same outage is not.
            if known.classification.kind == error.classification.kind { return .none }
        }
        status = .down(error)
        return .wentDown(error)
    }

    /// Something arrived from a broker.
    package mutating func observeAnswer() -> Transition {
        let wasDown = if case .down = status { true } else { false }
        status = .up
        return wasDown ? .cameUp : .none
    }
}
