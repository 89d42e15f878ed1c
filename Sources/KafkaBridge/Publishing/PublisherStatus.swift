package import Consumers

/// Whether a publisher's events flow, and if not, why.
package enum PublisherStatus: Sendable, Equatable {
    case flowing
    /// Brokers are away or another attempt is being prepared; goes on by itself.
    case waiting(String)
    /// An operator has to fix something; goes on by itself afterwards.
    case refused(String)
    /// Something is to be delivered, and no broker has acknowledged anything since then, in microseconds since 1970.
    case stalled(since: Int64, String)
    /// Events flow, but for those of some segments: each halts at an event that cannot be delivered.
    case halted([SegmentHalt])

    package enum Name: String, Sendable, CaseIterable {
        case flowing, waiting, refused, stalled, halted
    }

    package var name: Name {
        switch self {
        case .flowing: .flowing
        case .waiting: .waiting
        case .refused: .refused
        case .stalled: .stalled
        case .halted: .halted
        }
    }

    /// Why nothing flows, or not everything; `nil` where all does.
    package var reason: String? {
        switch self {
        case .flowing: nil
        case .waiting(let reason), .refused(let reason): reason
        case .stalled(let since, let reason): "\(reason) since \(TimestampText.seconds(since))"
        case .halted(let halts): Self.text(halts)
        }
    }

    /// One sentence for each reason, with the segments that it halts.
    private static func text(_ halts: [SegmentHalt]) -> String {
        var byReason: [(reason: String, halts: [SegmentHalt])] = []
        for halt in halts {
            if let index = byReason.firstIndex(where: { $0.reason == halt.reason }) {
                byReason[index].halts.append(halt)
            } else {
                byReason.append((halt.reason, [halt]))
            }
        }
        return byReason.map { reason, halts in
            if halts.count == 1 { return halts[0].description }
            let segments = halts.map { "\($0.segment)" }.joined(separator: ", ")
            return "segments \(segments) halt, the first at position \(halts.map(\.position).min() ?? 0): \(reason)"
        }.joined(separator: "; ")
    }
}
