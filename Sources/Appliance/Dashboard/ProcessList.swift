import Consumers
import KafkaBridge

/// The processes that serve the consumers, as the database knows them. A pure value.
struct ProcessList: Sendable {
    struct Process: Sendable {
        let id: String
        let isThis: Bool
        /// How long ago it was last heard of.
        var lastHeartbeat: Duration
        var isGone: Bool
        var hasStopped: Bool
        var isOneOff: Bool
        /// Segments that it owns, by consumer; consumers it serves without owning any have none.
        var segments: [(consumer: String, count: Int)] = []
        /// What is not flowing, with the consumer.
        var troubles: [(consumer: String, condition: ConsumerCondition)] = []
    }

    let processes: [Process]
    /// Segments that no process owns.
    let ownerless: Int

    init(_ reports: [ConsumerReport], own: Set<String>) {
        var byID: [String: Process] = [:]
        for report in reports {
            for worker in report.consumer.workers {
                var process =
                    byID[worker.id]
                    ?? Process(
                        id: worker.id, isThis: own.contains(worker.id), lastHeartbeat: worker.lastHeartbeat,
                        isGone: worker.isGone, hasStopped: worker.hasStopped, isOneOff: worker.isOneOff)
                // One beat serves all its consumers.
                process.lastHeartbeat = min(process.lastHeartbeat, worker.lastHeartbeat)
                process.isGone = process.isGone && worker.isGone
                process.hasStopped = process.hasStopped && worker.hasStopped
                let count = report.consumer.segments.count { $0.owner == worker.id }
                process.segments.append((report.consumer.name, count))
                if worker.condition != .flowing { process.troubles.append((report.consumer.name, worker.condition)) }
                byID[worker.id] = process
            }
        }
        processes = byID.values.sorted { ($0.isThis ? 0 : 1, $0.id) < ($1.isThis ? 0 : 1, $1.id) }
        ownerless = reports.reduce(0) { $0 + $1.consumer.segments.count { $0.owner == nil } }
    }

    var json: JSONValue {
        [
            "processes": .array(
                processes.map { process in
                    [
                        "id": .string(process.id), "this_process": .boolean(process.isThis),
                        "last_heartbeat_seconds": .number(process.lastHeartbeat / .seconds(1), digits: 3),
                        "state": .string(process.state.word), "one_off": .boolean(process.isOneOff),
                        "segments": .object(process.segments.map { .init($0.consumer, .number($0.count)) }),
                        "troubles": .array(
                            process.troubles.map {
                                [
                                    "consumer": .string($0.consumer), "condition": .string($0.condition.name),
                                    "reason": .string($0.condition.reason),
                                ]
                            }),
                    ]
                }),
            "ownerless_segments": .number(ownerless),
        ]
    }
}

extension ProcessList.Process {
    /// In a word, with how it is to strike a reader.
    var state: (word: String, tone: String) {
        if isGone { return ("gone", "bad") }
        if hasStopped { return ("stopped", "bad") }
        if lastHeartbeat > .seconds(30) { return ("silent", "bad") }
        return troubles.isEmpty ? ("alive", "good") : ("with troubles", "note")
    }
}
