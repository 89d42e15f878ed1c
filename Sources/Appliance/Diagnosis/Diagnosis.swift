import Consumers

/// What is the matter, of one moment: every surface shows this and nothing else. A pure value.
///
/// `status`, `doctor`, `/readyz`, `/api/status`, the dashboard, the metrics and the exit codes are made of it.
package struct Diagnosis: Sendable {
    /// A problem, once, with all that it affects.
    package struct Problem: Sendable, Hashable {
        package let issue: HealthIssue
        /// The consumers, by name; empty where it concerns the process as a whole.
        package var consumers: [String]
    }

    /// What is the matter with the process itself.
    let process: [HealthIssue]
    /// What keeps the process from its share of some consumers; the reports say it too, unless others have it.
    let share: [HealthIssue]
    package let reports: [ConsumerReport]

    init(process: [HealthIssue] = [], share: [HealthIssue] = [], reports: [ConsumerReport]) {
        self.process = process
        self.share = share
        self.reports = reports
    }

    package var isHealthy: Bool {
        !process.contains(where: \.kind.isUnhealthy) && reports.allSatisfy { $0.isHealthy || !$0.isConfigured }
    }

    /// Why the process should get no traffic, or a rollout should wait; empty if it is ready.
    var reasonsNotReady: [String] { (process + share).filter(\.kind.isOfProcess).map(\.text) }

    /// Everything once, the worst first, what was ordered or passes by itself last; of one kind, what affects most comes first. Consumers of other configurations do
    /// not count.
    package var problems: [Problem] {
        var problems = process.map { Problem(issue: $0, consumers: []) }
        for report in reports where report.isConfigured {
            for issue in report.issues {
                if let index = problems.firstIndex(where: { $0.issue == issue }) {
                    problems[index].consumers.append(report.consumer.name)
                } else {
                    problems.append(Problem(issue: issue, consumers: [report.consumer.name]))
                }
            }
        }
        return problems.enumerated().sorted { left, right in
            let (one, other) = (left.element, right.element)
            if one.issue.kind.isUnhealthy != other.issue.kind.isUnhealthy { return one.issue.kind.isUnhealthy }
            if one.issue.kind != other.issue.kind { return one.issue.kind.rank < other.issue.kind.rank }
            if one.consumers.count != other.consumers.count { return one.consumers.count > other.consumers.count }
            return left.offset < right.offset
        }.map(\.element)
    }
}

extension Diagnosis.Problem {
    /// Whom it affects, for people: all by name where they are few.
    package func subject(of all: Int) -> String {
        if consumers.isEmpty { return "this process" }
        if consumers.count == all, all > 3 { return "all \(all) consumers" }
        if consumers.count > 6 {
            return consumers.prefix(5).joined(separator: ", ") + " and \(consumers.count - 5) more"
        }
        return consumers.joined(separator: ", ")
    }

    var json: JSONValue {
        [
            "code": .string(issue.kind.code), "kind": .string(issue.kind.rawValue), "text": .string(issue.text),
            "unhealthy": .boolean(issue.kind.isUnhealthy), "consumers": .array(consumers.map { .string($0) }),
        ]
    }
}
