/// The state of each source.
package struct StatusReports: Sendable {
    private var reports: [(source: String, report: StatusReport)] = []
    /// Where there is one source only.
    private var only: StatusReport?

    /// Asks all databases at the same time: one that does not answer keeps none from being asked.
    package static func take(_ configurations: [Configuration], _ options: StatusReport.Options) async -> StatusReports
    {
        if configurations.count == 1, let only = configurations.first {
            return StatusReports(only: await StatusReport.take(only, options))
        }
        let taken = await configurations.concurrentMap { configuration in
            var report = await StatusReport.take(configuration, options)
            // Consumers of other sources may be recorded in the same tables.
            let own = Set(configuration.consumers.map(\.name))
            let others = configurations.flatMap(\.consumers).map(\.name).filter { !own.contains($0) }
            report.leaveOut(Set(others))
            return report
        }
        var all = StatusReports()
        all.reports = zip(configurations, taken).map { ($0.sourceName ?? "", $1) }
        if options.consumer != nil {
            let knowing = all.reports.filter { $0.report.knowsWell(options.consumer) }
            if !knowing.isEmpty { all.reports = knowing }
        }
        return all
    }

    private var all: [StatusReport] { only.map { [$0] } ?? reports.map(\.report) }

    /// Whether there is a consumer of the name; also true where a database could not be asked.
    package func knows(_ consumer: String) -> Bool { all.contains { $0.knows(consumer) } }

    /// The first that keeps a source from being seen, else whether anything is unhealthy.
    package var exitStatus: ExitStatus {
        let statuses = all.map(\.exitStatus).filter { $0 != .success }
        return statuses.first { $0 != .unhealthy } ?? statuses.first ?? .success
    }

    package var json: JSONValue {
        if let only { return only.json }
        return [
            "healthy": .boolean(exitStatus == .success),
            "sources": .array(
                reports.map { source, report in
                    guard case .object(let members) = report.json else { return .null }
                    return .object([.init("source", .string(source))] + members)
                }),
        ]
    }

    package func text(on terminal: Terminal) -> String {
        if let only { return only.text(on: terminal) }
        return reports.map { source, report in
            "\(terminal.paint("source \(source)", .strong))\n\(report.text(on: terminal))"
        }.joined(separator: "\n")
    }
}

extension Array where Element: Sendable {
    /// What the body makes of each element, at the same time, in their order.
    package func concurrentMap<Value: Sendable>(_ body: @escaping @Sendable (Element) async -> Value) async -> [Value] {
        await withTaskGroup(of: (Int, Value).self) { group in
            for (index, element) in enumerated() { group.addTask { (index, await body(element)) } }
            var values: [Int: Value] = [:]
            for await (index, value) in group { values[index] = value }
            return indices.compactMap { values[$0] }
        }
    }
}
