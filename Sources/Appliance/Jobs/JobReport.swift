import EventSourcing
import FoundationEssentials
package import KafkaBridge

/// A job for people and programs.
package struct JobReport: Sendable {
    private let job: Job

    package init(_ job: Job) { self.job = job }

    /// Whether it has ended without an event.
    package var isEmpty: Bool { job.state == .done && job.published == 0 }

    package var json: JSONValue { .object(members) }

    /// With the runs of the job.
    package func json(_ runs: [JobRunRecord]) -> JSONValue {
        .object(members + [.init("runs", .array(runs.map(Self.json)))])
    }

    package static func json(_ jobs: [Job]) -> JSONValue { .array(jobs.map { JobReport($0).json }) }

    private var members: [JSONValue.Member] {
        func list(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        let time = Self.time
        let definition = job.definition
        let selection = definition.selection
        return [
            .init("job", .string(job.name)), .init("kind", .string(job.kind)),
            .init("consumer", .string(definition.consumer)), .init("state", .string(job.word)),
            .init("from_position", .number(definition.after + 1)), .init("to_position", .number(job.through)),
            .init("checkpoint", .number(job.checkpoint)), .init("progress", .number(job.fraction, digits: 4)),
            .init("published", .number(job.published)), .init("topic", text(definition.topic)),
            .init("from_time", time(selection.from)), .init("to_time", time(selection.until)),
            .init("contexts", list(selection.scope.boundedContexts)),
            .init("aggregate_types", list(selection.scope.aggregateTypes)),
            .init("aggregate_ids", list(selection.aggregateIDs)), .init("event_types", list(selection.eventTypes)),
            .init("listed_events_only", .boolean(definition.isListed)),
            .init("rate", job.rate.map { .number($0, digits: 3) } ?? .null),
            .init("courtesy", .boolean(job.isCourteous)),
            .init("events_per_second", isRunning ? Self.number(job.eventsPerSecond) : .null),
            .init("seconds_left", isRunning ? Self.number(job.secondsLeft) : .null),
            .init("waits_for", text(waitsFor)), .init("owner", text(job.owner)), .init("error", text(job.error)),
            .init("attempts", .number(job.attempts)), .init("retry_at", time(job.retryAt)),
            .init("created_by", text(job.createdBy.isEmpty ? nil : job.createdBy)),
            .init("created_at", time(job.createdAt)), .init("started_at", time(job.startedAt)),
            .init("updated_at", time(job.updatedAt)), .init("finished_at", time(job.finishedAt)),
        ]
    }

    private static func json(_ run: JobRunRecord) -> JSONValue {
        [
            "owner": .string(run.owner), "started_at": time(run.startedAt), "ended_at": time(run.endedAt),
            "outcome": run.outcome.isEmpty ? .null : .string(run.outcome),
            "published": run.published.map { .number($0) } ?? .null,
            "error": run.error.map { .string($0) } ?? .null,
        ]
    }

    private static func time(_ date: Date?) -> JSONValue { date.map { .string($0.formatted(.iso8601)) } ?? .null }
    private static func number(_ value: Double?) -> JSONValue { value.map { .number($0, digits: 1) } ?? .null }

    private var isRunning: Bool { job.word == "running" }

    /// What a job that is not ended waits for; `nil` where it waits for nothing.
    var waitsFor: String? {
        switch job.word {
        case "queued":
            if let retryAt = job.retryAt {
                return "its next attempt, at \(TimeText.full(retryAt)): \(job.error ?? "the last one failed")"
            }
            return job.state == .running ? "a relay that goes on with it" : "a relay with a hand free"
        case "running": return job.note.isEmpty ? nil : job.note
        default: return nil
        }
    }

    /// One line about a job, as it is now.
    package var text: String {
        if isEmpty {
            return "job \(job.name) is done, and published nothing: no event that it asks for lies at positions "
                + "\(job.definition.after + 1) to \(job.through)"
        }
        var text =
            "job \(job.name) is \(job.word): \(job.published) events published, positions "
            + "\(job.definition.after + 1) to \(job.checkpoint)"
        if job.state == .failed, let error = job.error {
            text += "\n\(LogLine.harmless(error))\n`godwit jobs resume \(job.name)` tries again"
        }
        return text
    }

    /// What follows once relays have it.
    package var queuedText: String {
        switch job.word {
        case "queued":
            "job \(job.name) is queued for the relays that serve \(job.definition.consumer), positions "
                + "\(job.checkpoint + 1) to \(job.through)\n`godwit jobs watch \(job.name)` follows it, "
                + "`godwit jobs stop \(job.name)` stops it"
        case "running": "job \(job.name) is being run by \(job.owner ?? "a process")"
        default: text
        }
    }

    /// How far it has come, for a line that is rewritten.
    package var progressLine: String {
        let full = Int(job.fraction * 24)
        var text = "[" + String(repeating: "#", count: full) + String(repeating: "-", count: 24 - full) + "] "
        text += "\(Int(job.fraction * 100)) %, \(job.published) events published"
        if isRunning {
            if let rate = job.eventsPerSecond, rate > 0 { text += ", \(ProgressText.rate(rate))/s" }
            if let left = job.secondsLeft { text += ", \(ProgressText.time(.seconds(min(left, 1e9)))) left" }
        } else {
            text += ", \(job.word)"
        }
        return text + (waitsFor.map { ": \(LogLine.harmless($0))" } ?? "")
    }

    /// Everything, for people.
    package func details(_ runs: [JobRunRecord]) -> String {
        var lines: [(String, String)] = [
            ("job", job.name), ("kind", job.kind), ("state", job.word), ("asks for", job.definition.summary),
            ("positions", "\(job.definition.after + 1) to \(job.through)"),
            ("done", "\(Int(job.fraction * 100)) %, up to position \(job.checkpoint)"),
            ("published", "\(job.published) events"),
            (
                "pace",
                job.rate.map { "\($0) events/s at most" } ?? (job.isCourteous ? "courteous" : "as fast as it can")
            ),
        ]
        if isRunning, let rate = job.eventsPerSecond { lines.append(("rate", "\(ProgressText.rate(rate)) events/s")) }
        if isRunning, let left = job.secondsLeft {
            lines.append(("time left", ProgressText.time(.seconds(min(left, 1e9)))))
        }
        if let waitsFor { lines.append(("waits for", waitsFor)) }
        if let owner = job.owner { lines.append((job.isHeld ? "run by" : "last run by", owner)) }
        if let error = job.error { lines.append(("error", error)) }
        lines.append(("made", TimeText.full(job.createdAt) + (job.createdBy.isEmpty ? "" : " by \(job.createdBy)")))
        if let finished = job.finishedAt { lines.append(("ended", TimeText.full(finished))) }
        var text = lines.map { name, value in
            name + String(repeating: " ", count: 12 - name.count) + LogLine.harmless(value) + "\n"
        }.joined()
        guard !runs.isEmpty else { return text }
        var table = TextTable(["started", "ended", "outcome", "published", "by", "error"], rightAligned: [3])
        for run in runs {
            table.add([
                TimeText.full(run.startedAt.wholeSeconds), run.endedAt.map { TimeText.full($0.wholeSeconds) } ?? "–",
                run.outcome.isEmpty ? "–" : run.outcome, run.published.map { "\($0)" } ?? "?",
                LogLine.harmless(run.owner), LogLine.harmless(run.error ?? ""),
            ])
        }
        text += "\n" + table.text
        return text
    }

    /// A table of jobs.
    package static func table(_ jobs: [Job], on terminal: Terminal = .plain) -> String {
        if jobs.isEmpty { return "there are no jobs" }
        var table = TextTable(
            ["job", "state", "consumer", "positions", "done", "published", "left", "updated", "what holds it"],
            rightAligned: [4, 5, 6])
        for job in jobs {
            let report = JobReport(job)
            let left = report.isRunning ? job.secondsLeft.map { ProgressText.time(.seconds(min($0, 1e9))) } : nil
            let tone: Terminal.Tone? =
                job.state == .failed ? .bad : job.state == .done ? .good : job.life.waitsForOperator ? .doubtful : nil
            table.add(
                [
                    job.name, job.word, job.definition.consumer, "\(job.definition.after + 1)-\(job.through)",
                    "\(Int(job.fraction * 100)) %", "\(job.published)", left ?? "–",
                    TimeText.full(job.updatedAt.wholeSeconds),
                    LogLine.harmless(job.state == .failed ? job.error ?? "" : report.waitsFor ?? ""),
                ], tones: [0: .strong, 1: tone])
        }
        return String(table.text(on: terminal).dropLast())
    }
}

extension Date {
    fileprivate var wholeSeconds: Date { Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down)) }
}

/// What a job would publish.
package struct CountReport: Sendable {
    let consumer: String
    let after: Int64
    let through: Int64
    let count: SelectionCount

    package var json: JSONValue {
        [
            "consumer": .string(consumer), "from_position": .number(after + 1), "to_position": .number(through),
            "events": .number(count.events),
            "counted_to_position": .number(count.countedThrough ?? through),
            "complete": .boolean(count.countedThrough == nil),
            "topics": .array(count.topics.map { ["topic": .string($0.name), "events": .number($0.events)] }),
            "cannot_be_published": .array(
                count.flaws.map { ["reason": .string($0.reason), "events": .number($0.events)] }),
        ]
    }

    package var isEmpty: Bool { count.events == 0 }

    package var text: String {
        if isEmpty { return "no event that is asked for lies at positions \(after + 1) to \(through)" }
        let head = "\(count.events) events at positions \(after + 1) to \(through) would be published"
        let topics = count.topics.map { "  \($0.name): \($0.events)" }
        let flaws = count.flaws.map { "  \($0.events) cannot be: \($0.reason)" }
        let rest = "  (records are not made for this: `godwit preview` shows whose key, partition or value cannot be)"
        return ([head] + topics + flaws + [rest]).joined(separator: "\n")
    }
}
