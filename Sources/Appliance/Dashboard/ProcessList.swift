import Consumers
import KafkaBridge

/// The processes that serve the consumers, as the database knows them. A pure value.
struct ProcessList: Sendable {
    struct Process: Sendable {
        let id: String
        let isThis: Bool
        /// How long ago it was last heard of, to this moment; `nil` where that is not known.
        var lastHeartbeat: Duration?
        var isGone: Bool
        var hasStopped: Bool
        var isOneOff: Bool
        /// Segments that it owns, by consumer; consumers it serves without owning any have none.
        var segments: [(consumer: String, count: Int)] = []
        /// What is not flowing, with the consumer.
        var troubles: [(consumer: String, condition: ConsumerCondition)] = []
    }

    let processes: [Process]
    /// Segments that no process owns; `nil` where that is not known of all consumers.
    let ownerless: Int?
    /// How old the oldest of the figures are; `nil` where the database of a source was never seen.
    let age: Duration?

    init(_ reports: [ConsumerReport], own: Set<String>) {
        var byID: [String: Process] = [:]
        for report in reports {
            for worker in report.consumer.workers {
                // What was read then is older by now.
                let lastHeartbeat = report.figuresAge.map { worker.lastHeartbeat + $0 }
                var process =
                    byID[worker.id]
                    ?? Process(
                        id: worker.id, isThis: own.contains(worker.id), lastHeartbeat: lastHeartbeat,
                        isGone: worker.isGone, hasStopped: worker.hasStopped, isOneOff: worker.isOneOff)
                // One beat serves all its consumers.
                process.lastHeartbeat = [process.lastHeartbeat, lastHeartbeat].compactMap(\.self).min()
                process.isGone = process.isGone && worker.isGone
                process.hasStopped = process.hasStopped && worker.hasStopped
                let count = report.consumer.segments.count { $0.owner == worker.id }
                process.segments.append((report.consumer.name, count))
                if worker.condition != .flowing { process.troubles.append((report.consumer.name, worker.condition)) }
                byID[worker.id] = process
            }
        }
        processes = byID.values.sorted { ($0.isThis ? 0 : 1, $0.id) < ($1.isThis ? 0 : 1, $1.id) }
        let isSeen = reports.allSatisfy(\.isSeen)
        ownerless = isSeen ? reports.reduce(0) { $0 + $1.consumer.segments.count { $0.owner == nil } } : nil
        age = isSeen ? reports.compactMap(\.figuresAge).max() : nil
    }

    var json: JSONValue {
        [
            "processes": .array(
                processes.map { process in
                    [
                        "id": .string(process.id), "this_process": .boolean(process.isThis),
                        "last_heartbeat_seconds": process.lastHeartbeat.map { .number($0 / .seconds(1), digits: 3) }
                            ?? .null,
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
            "ownerless_segments": ownerless.map { .number($0) } ?? .null,
            "figures_age_seconds": age.map { .number($0 / .seconds(1), digits: 3) } ?? .null,
        ]
    }
}

extension ProcessList.Process {
    /// Whether it is known to be.
    var isAlive: Bool { state.tone != "bad" && (isThis || lastHeartbeat != nil) }

    /// In a word, with how it is to strike a reader.
    var state: (word: String, tone: String) {
        if isGone { return ("gone", "bad") }
        if hasStopped { return ("stopped", "bad") }
        guard let lastHeartbeat else {
            // That this one answers shows that it lives.
            return isThis ? ("alive", troubles.isEmpty ? "good" : "note") : ("not known", "note")
        }
        if lastHeartbeat > .seconds(30) { return ("silent", "bad") }
        return troubles.isEmpty ? ("alive", "good") : ("with troubles", "note")
    }
}
