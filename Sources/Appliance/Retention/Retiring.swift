import Consumers
import EventSourcing
package import KafkaBridge
import Postgres

/// The work behind `godwit retire`.
package struct Retiring: Sendable {
    private let configuration: Configuration
    private let consumer: String

    package init(_ configuration: Configuration, consumer: String) {
        self.configuration = configuration
        self.consumer = consumer
    }

    /// Forgets the consumer, or says what would go.
    ///
    /// - Throws: `Failure`.
    package func run(isDryRun: Bool, discardingParked: Bool, actor: String) async throws -> RetirementReport {
        let retirement = Retirement(
            configuration.database.tables, staleThreshold: configuration.worker.staleThreshold)
        return try await configuration.database.withConnection { connection in
            var report: RetirementReport
            if isDryRun {
                report = RetirementReport(plan: try await retirement.plan(consumer, on: connection))
                guard report.plan.isKnown else { throw try await unknown(on: connection) }
                report.obstacle = RetirementError(report.plan, discardingParked: discardingParked)?.description
            } else {
                do {
                    report = RetirementReport(
                        plan: try await retirement.carryOut(
                            consumer, discardingParked: discardingParked, by: actor, on: connection))
                } catch RetirementError.unknown { throw try await unknown(on: connection) }
                report.isDone = true
            }
            let section = configuration.consumers.first { $0.name == consumer }
            report.isConfigured = section != nil
            if report.plan.transactionalSegments > 0 {
                report.progressTopic = "godwit.progress.\(consumer)"
                if case .exactlyOnce(let topic)? = section?.delivery { report.progressTopic = topic.description }
            }
            return report
        }
    }

    private func unknown(on connection: Connection) async throws -> Failure {
        let controls = ConsumerControls(configuration.database.tables, channel: nil)
        let names = try await controls.names(on: connection)
        let known = names.isEmpty ? "none was ever started" : "there are: \(names.joined(separator: ", "))"
        return Failure(.usage, "nothing is recorded of a consumer \(LogLine.harmless(consumer)); \(known)")
    }
}

/// What was forgotten, or would be.
package struct RetirementReport: Sendable {
    package let plan: Retirement.Plan
    package var isDone = false
    /// What keeps it from being done.
    package var obstacle: String?
    /// Whether the configuration at hand has it.
    var isConfigured = false
    /// The topic that holds progress of exactly-once delivery, if there is one.
    var progressTopic: String?

    /// For people.
    package var text: String {
        var lines = [isDone ? "retired \(plan.consumer); gone are:" : "of \(plan.consumer) would go:"]
        if let low = plan.checkpoints.values.min(), let high = plan.checkpoints.values.max() {
            let range = low == high ? "\(low)" : "\(low) to \(high)"
            lines.append("  the checkpoints of \(plan.checkpoints.count) segments, at position \(range)")
        } else {
            lines.append("  its registration; it was never started")
        }
        if plan.otherRows > 0 {
            lines.append("  \(plan.otherRows) rows of its controls, start, scopes, source and former workers")
        }
        if plan.openLetters > 0 {
            lines.append("  \(CountText.format(plan.openLetters)) parked events, which nobody will deliver")
        }
        if plan.decidedLetters > 0 {
            lines.append("  the record of \(CountText.format(plan.decidedLetters)) events that were decided about")
        }
        if plan.hasAudit { lines.append("  its audit") }
        if plan.transactionalSegments > 0 {
            lines.append("  the owners of \(plan.transactionalSegments) segments of exactly-once delivery")
        }
        if let progressTopic {
            lines.append(
                "what stays: the topic \(progressTopic), with the progress of exactly-once delivery; delete it if nobody needs it"
            )
        }
        if isConfigured {
            lines.append(
                "the configuration at hand still has the consumer: its next start begins anew, at \"start\"")
        }
        if let obstacle { lines.append("it would be refused: \(obstacle)") }
        if !isDone, obstacle == nil { lines.append("nothing was changed: leave --dry-run out to do this") }
        return LogLine.harmless(lines)
    }

    package var json: JSONValue {
        [
            "consumer": .string(plan.consumer), "retired": .boolean(isDone),
            "refused": obstacle.map { .string($0) } ?? .null,
            "segments": .number(plan.checkpoints.count),
            "checkpoint": plan.checkpoints.values.min().map { .number($0) } ?? .null,
            "parked": .number(plan.openLetters), "decided": .number(plan.decidedLetters),
            "audit": .boolean(plan.hasAudit), "transactional_segments": .number(plan.transactionalSegments),
            "other_rows": .number(plan.otherRows), "configured": .boolean(isConfigured),
            "progress_topic": progressTopic.map { .string($0) } ?? .null,
        ]
    }
}

extension LogLine {
    /// Lines for a terminal, none of which has control characters.
    fileprivate static func harmless(_ lines: [String]) -> String {
        lines.map { harmless($0) }.joined(separator: "\n")
    }
}
