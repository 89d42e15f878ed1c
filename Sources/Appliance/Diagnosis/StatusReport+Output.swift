import Consumers
import KafkaBridge

extension StatusReport {
    package var json: JSONValue {
        guard case .object(let members) = state else { return .null }
        return .object(members + (delays.map { [.init("delays", .array($0.map(\.json)))] } ?? []))
    }

    private var state: JSONValue {
        [
            "healthy": .boolean(isHealthy),
            "database": [
                "reachable": .boolean(failure == nil),
                "reason": failure.map { .string($0.message) } ?? .null,
            ],
            "horizon": store.map { store in
                [
                    "latest_position": .number(store.latest),
                    "last_drawn_position": .number(store.lastDrawn),
                    "open_writers": .array(store.writers.map { .string($0.description) }),
                ]
            } ?? .null,
            "retention": store?.pruned.map(\.json) ?? .null,
            "problems": .array(diagnosis.problems.map(\.json)),
            "consumers": .array(consumers.map { .object($0.members) }),
            "jobs": JobReport.json(jobs),
            "transactions": .array(transactions.map(\.json)),
            "process": process.map { process in
                .object(
                    ["worker", "ready", "not_ready", "problems", "resident_memory_bytes", "database", "horizon"]
                        .compactMap {
                            name in
                            process[name].map { .init(name, $0) }
                        })
            } ?? .null,
        ]
    }

    /// For people.
    package var text: String { text(on: .plain) }

    /// For people: what is wrong first.
    package func text(on terminal: Terminal) -> String {
        if let delays { return DelayAccount.text(delays, on: terminal) }
        var text = ""
        if let failure { text += "\(terminal.paint("database", .bad)): \(failure.message)\n" }
        if let store {
            text += "latest position \(CountText.format(store.latest))"
            if let process { text += ", \(Self.line(process))" }
            text += "\n"
            if let pruned = store.pruned { text += "retention: \(LogLine.harmless(pruned.line))\n" }
            text += "\n"
            let all = consumers.count(where: \.isConfigured)
            for problem in diagnosis.problems {
                text += terminal.paint(problem.subject(of: all), problem.issue.kind.isUnhealthy ? .bad : .doubtful)
                text += ": \(LogLine.harmless(problem.issue.text)) "
                text += terminal.paint("[\(problem.issue.kind.code)]", .quiet) + "\n"
            }
            if !diagnosis.problems.isEmpty { text += "\n" }
            text += overview(on: terminal)
            for consumer in consumers.map(\.consumer) {
                guard let position = consumer.beganWithout else { continue }
                text +=
                    "\(consumer.name): began without rows up to position \(CountText.format(position)), which retention had removed\n"
            }
            let exactlyOnce = consumers.filter { $0.delivery?.name == "exactly_once" }.map(\.consumer.name)
            if !exactlyOnce.isEmpty { text += "delivery: exactly once for \(exactlyOnce.joined(separator: ", "))\n" }
            for figures in transactions { text += "  \(figures.text)\n" }
            if !jobs.isEmpty { text += "\n" + JobReport.table(jobs, on: terminal) + "\n" }
            let details = details(on: terminal)
            if !details.isEmpty { text += "\n" + details }
        } else if let process {
            text += "\(Self.line(process))\n"
        }
        return text
    }

    private static func line(_ process: JSONValue) -> String {
        guard case .string(let worker)? = process["worker"] else { return "the admin port does not speak for a worker" }
        if process["ready"] == true { return "process \(worker) is ready" }
        var reasons: [String] = []
        if case .array(let texts)? = process["not_ready"] {
            for case .string(let text) in texts { reasons.append(text) }
        }
        return "process \(worker) is not ready: \(LogLine.harmless(reasons.joined(separator: "; ")))"
    }

    private func overview(on terminal: Terminal) -> String {
        var table = TextTable(["consumer", "state", "owned", "lag", "oldest", "parked"], rightAligned: [2, 3, 4, 5])
        // Of many consumers those come first that need an operator.
        for report in consumers.filter({ !$0.isHealthy }) + consumers.filter(\.isHealthy) {
            let segments = report.consumer.segments
            let owned = segments.count { $0.owner != nil }
            table.add(
                [
                    report.consumer.name, report.state + (report.isConfigured ? "" : " (not in this configuration)"),
                    segments.isEmpty ? "–" : "\(owned)/\(segments.count)", Self.events(report.consumer.lag),
                    Self.age(report.consumer.lag), CountText.format(report.deadLetters?.open ?? 0),
                ], tones: [0: .strong, 1: report.tone])
        }
        return table.text(on: terminal)
    }

    /// A line per segment.
    private func details(on terminal: Terminal) -> String {
        var table = TextTable(
            ["consumer", "segment", "owner", "checkpoint", "lag", "oldest"], rightAligned: [1, 3, 4, 5])
        for report in consumers {
            for segment in report.consumer.segments {
                table.add([
                    report.consumer.name, "\(segment.id)", segment.owner ?? "nobody",
                    CountText.format(segment.checkpoint), Self.events(segment.lag), Self.age(segment.lag),
                ])
            }
        }
        return consumers.contains { !$0.consumer.segments.isEmpty } ? table.text(on: terminal) : ""
    }

    static func events(_ lag: SegmentLag?) -> String {
        guard let lag else { return "–" }
        return (lag.isExact ? "" : "≤ ") + CountText.format(lag.events)
    }

    static func age(_ lag: SegmentLag?) -> String {
        guard let lag, lag.events > 0 else { return "–" }
        return lag.oldest.map { AgeText.format($0) } ?? "?"
    }
}
