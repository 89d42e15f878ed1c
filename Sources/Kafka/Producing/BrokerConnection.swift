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

    /// Why a broker could not be reached, since something last arrived from one.
    private var reason: KafkaError?

    /// An error event of the client.
    package mutating func observe(_ error: KafkaError) -> Transition {
        switch error.code {
        case .transport, .unresolved:
            // One broker, while others may answer: it explains an outage, if it comes to one.
            reason = error
            return .none
        case .allBrokersDown: return goDown(reason ?? error)
        case .authentication, .tls, .saslAuthenticationFailed: return goDown(error)
        default: return .none
        }
    }

    private mutating func goDown(_ error: KafkaError) -> Transition {
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
        reason = nil
        return wasDown ? .cameUp : .none
    }
}
