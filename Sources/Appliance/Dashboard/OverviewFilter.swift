import Consumers
import KafkaBridge

/// Which consumers the overview lists. A pure value.
struct OverviewFilter: Sendable, Hashable {
    enum Show: String, Sendable, CaseIterable {
        case all
        case problems
        case behind
        case parked

        var title: String {
            switch self {
            case .all: "All"
            case .problems: "With problems"
            case .behind: "Behind"
            case .parked: "With parked events"
            }
        }
    }

    var text = ""
    var show = Show.all

    init(_ query: [String: String] = [:]) {
        text = String((query["q"] ?? "").prefix(100))
        show = query["show"].flatMap { Show(rawValue: $0) } ?? .all
    }

    /// Those to list, what is wrong first, else in the order of the configuration.
    func apply(_ reports: [ConsumerReport], _ ways: [String: ConsumerWay]) -> [ConsumerReport] {
        let wanted = text.lowercased()
        return reports.enumerated().filter { _, report in
            let isShown =
                switch show {
                case .all: true
                case .problems: !report.issues.isEmpty
                case .behind: (report.consumer.lag?.events ?? 0) > 0
                case .parked: (report.deadLetters?.open ?? 0) > 0
                }
            guard isShown, !wanted.isEmpty else { return isShown }
            let way = ways[report.consumer.name]
            return ([report.consumer.name, way?.source ?? ""] + (way?.takes ?? []) + (way?.topics ?? []))
                .contains { $0.lowercased().contains(wanted) }
        }.sorted { left, right in
            (Self.rank(left.element), left.offset) < (Self.rank(right.element), right.offset)
        }.map(\.element)
    }

    private static func rank(_ report: ConsumerReport) -> Int {
        guard report.isConfigured else { return 3 }
        return !report.isHealthy ? 0 : report.issues.isEmpty ? 2 : 1
    }
}
