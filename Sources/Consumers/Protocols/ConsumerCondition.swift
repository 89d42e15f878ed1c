/// Whether an integration consumer carries events on, and if not, why: for `status` and the dashboard.
public enum ConsumerCondition: Sendable, Hashable {
    /// Events are carried on, or there are none.
    case flowing
    /// What is in the way passes by itself, for example brokers that are away.
    case waiting(String)
    /// An operator has to fix something; it goes on by itself afterwards.
    case refused(String)
    /// Something is to be carried on, and nothing has been for some time, although nothing is known to be in the way.
    case stalled(String)
    /// It has stopped before an event until an operator decides about it.
    case halted(String)

    /// The name of the case, as it is recorded.
    package var name: String {
        switch self {
        case .flowing: "flowing"
        case .waiting: "waiting"
        case .refused: "refused"
        case .stalled: "stalled"
        case .halted: "halted"
        }
    }

    /// Why it does not flow; empty where it does.
    package var reason: String {
        switch self {
        case .flowing: ""
        case .waiting(let reason), .refused(let reason), .stalled(let reason), .halted(let reason): reason
        }
    }

    /// Reads what was recorded; what is not known counts as flowing.
    package init(name: String, reason: String) {
        self =
            switch name {
            case "waiting": .waiting(reason)
            case "refused": .refused(reason)
            case "stalled": .stalled(reason)
            case "halted": .halted(reason)
            default: .flowing
            }
    }
}

extension IntegrationConsumer {
    /// Flowing, for consumers that have no condition of their own.
    public var condition: ConsumerCondition { .flowing }
}
