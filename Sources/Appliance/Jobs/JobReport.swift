import EventSourcing
import FoundationEssentials
package import KafkaBridge

/// A job for a person and for programs.
package struct JobReport: Sendable {
    private let job: Job

    package init(_ job: Job) { self.job = job }

    private var progress: Double {
        let (after, through) = (job.definition.after, job.through)
        return through <= after ? 1 : Double(job.checkpoint - after) / Double(through - after)
    }

    /// Whether it has ended without an event.
    package var isEmpty: Bool { job.state == .done && job.published == 0 }

    package var json: JSONValue {
        func time(_ date: Date?) -> JSONValue { date.map { .string($0.formatted(.iso8601)) } ?? .null }
        func list(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        let definition = job.definition
        let selection = definition.selection
        return [
            "job": .string(job.name), "consumer": .string(definition.consumer), "state": .string(job.standing),
            "from_position": .number(definition.after + 1), "to_position": .number(job.through),
            "checkpoint": .number(job.checkpoint), "progress": .number(progress, digits: 4),
            "published": .number(job.published), "topic": definition.topic.map { .string($0) } ?? .null,
            "from_time": time(selection.from), "to_time": time(selection.until),
            "contexts": list(selection.scope.boundedContexts), "aggregate_types": list(selection.scope.aggregateTypes),
            "aggregate_ids": list(selection.aggregateIDs), "event_types": list(selection.eventTypes),
            "listed_events_only": .boolean(definition.isListed),
            "rate": job.rate.map { .number($0, digits: 3) } ?? .null, "owner": job.owner.map { .string($0) } ?? .null,
            "error": job.error.map { .string($0) } ?? .null, "created_at": time(job.createdAt),
            "started_at": time(job.startedAt), "updated_at": time(job.updatedAt), "finished_at": time(job.finishedAt),
        ]
    }

    /// One line about a job that has ended.
    package var text: String {
        if isEmpty {
            return "job \(job.name) is done, and published nothing: no event that it asks for lies at positions "
                + "\(job.definition.after + 1) to \(job.through)"
        }
        return "job \(job.name) is \(job.standing): \(job.published) events published, positions "
            + "\(job.definition.after + 1) to \(job.checkpoint)"
    }

    /// A table of jobs.
    package static func table(_ jobs: [Job]) -> String {
        if jobs.isEmpty { return "there are no jobs" }
        var rows = [["JOB", "STATE", "CONSUMER", "POSITIONS", "DONE", "PUBLISHED", "UPDATED", "ERROR"]]
        for job in jobs {
            rows.append([
                job.name, job.standing, job.definition.consumer, "\(job.definition.after + 1)-\(job.through)",
                "\(Int(JobReport(job).progress * 100)) %", "\(job.published)", job.updatedAt.formatted(.iso8601),
                job.error ?? "",
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                .joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
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
