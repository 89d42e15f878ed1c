package import Consumers

/// Whether a publisher's events flow, and if not, why.
package enum PublisherStatus: Sendable, Equatable {
    case flowing
    /// Brokers are away or another attempt is being prepared; goes on by itself.
    case waiting(String)
    /// Somebody has to mend something; goes on by itself afterwards.
    case refused(String)
    /// Events flow, but for those of some segments: each stands at an event that cannot be delivered.
    case halted([SegmentHalt])

    package enum Name: String, Sendable, CaseIterable {
        case flowing, waiting, refused, halted
    }

    package var name: Name {
        switch self {
        case .flowing: .flowing
        case .waiting: .waiting
        case .refused: .refused
        case .halted: .halted
        }
    }

    /// Why nothing flows, or not everything; `nil` where all does.
    package var reason: String? {
        switch self {
        case .flowing: nil
        case .waiting(let reason), .refused(let reason): reason
        case .halted(let halts): halts.map(\.description).joined(separator: "; ")
        }
    }
}
