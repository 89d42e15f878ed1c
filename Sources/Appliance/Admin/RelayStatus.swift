import Consumers

/// How the relays of the process stand at one moment, and by the database those of the others, for people and programs.
struct RelayStatus: Sendable {
    let worker: String
    let standing: WorkerSnapshot
    var conditions: [String: ConsumerCondition] = [:]
    var holds: [HorizonHold] = []
    var residentMemory: Int?
    /// As of the last look that the database answered.
    var picture: StatusSource.Picture?
    var judgement = ConsumerDiagnosis()
    /// What the process waits for before it relays; `nil` once it does.
    var startsWith: String?
    /// Which sessions at the database are waited for; `nil` if none is missing.
    var missingSession: String?

    /// Why the process should get no traffic, or a rollout should wait: empty if it is ready.
    var reasonsNotReady: [String] {
        if standing.isStopping { return ["stopping"] }
        if let missingSession { return [missingSession] }
        if let startsWith { return [startsWith] }
        if !standing.isConnected { return [standing.databaseOutage ?? "the database is away"] }
        if let problem = standing.horizon.problem { return [problem.sentence] }
        if !standing.holdsLease { return ["the segments may be another worker's: no heartbeat was noted for too long"] }
        return standing.consumers.compactMap { consumer in
            reasonNotReady(consumer).map { "consumer \(consumer.name): \($0)" }
        }
    }

    private func reasonNotReady(_ consumer: WorkerSnapshot.Consumer) -> String? {
        if !consumer.isReady {
            guard let share = consumer.share else { return "has not seen the other workers yet" }
            return "owns none of its share of \(share) segments yet"
        }
        // Nothing is known to be in the way, so that this process itself may be what is wrong.
        if case .stalled(let reason)? = conditions[consumer.name] { return "stalled: \(reason)" }
        return nil
    }

    /// All consumers, judged.
    var reports: [ConsumerReport] {
        var store = picture?.store ?? known
        // The process knows its horizon, while a command can only guess by who writes.
        store.writers = standing.horizon.waiting == nil ? [] : store.writers
        for index in store.consumers.indices {
            let name = store.consumers[index].name
            // The process knows what it reads; a source that it reads is well.
            store.consumers[index].problem =
                standing.consumers.contains { $0.name == name }
                ? standing.horizon.problem : store.consumers[index].problem
            store.consumers[index].workers = store.consumers[index].workers.map { other in
                guard other.id == worker, let condition = conditions[name] else { return other }
                // Newer than what the last heartbeat reported.
                return StoreStatus.Worker(
                    id: other.id, lastHeartbeat: other.lastHeartbeat, isGone: other.isGone, condition: condition,
                    isOneOff: other.isOneOff, hasStopped: other.hasStopped)
            }
        }
        let reports = judgement.reports(
            StatusSource.Picture(store: store, deadLetters: picture?.deadLetters ?? [:]),
            configured: Set(standing.consumers.map(\.name)))
        if standing.isConnected { return reports }
        return reports.map { report in
            var report = report
            report.issues.insert(
                HealthIssue(.databaseAway, "the database is away; the figures are those of the last look"), at: 0)
            return report
        }
    }

    /// What the process knows without the database.
    private var known: StoreStatus {
        let consumers = standing.consumers.map { consumer in
            let segments = (0..<consumer.totalSegments).map { segment in
                let position = consumer.own.segments[segment]
                return StoreStatus.Segment(
                    id: segment, owner: position == nil ? consumer.owners[segment] : worker,
                    checkpoint: position ?? 0,
                    lag: SegmentLag(
                        counted: 0, uncounted: position.map { max(0, standing.horizon.latest - $0) } ?? 0))
            }
            let owners = Set(segments.compactMap(\.owner)).union([worker])
            return StoreStatus.Consumer(
                name: consumer.name, segments: segments,
                workers: owners.map { StoreStatus.Worker(id: $0, lastHeartbeat: .zero) }, order: nil)
        }
        return StoreStatus(
            latest: standing.horizon.latest, lastDrawn: standing.horizon.latest, writers: [], consumers: consumers)
    }
}

extension RelayStatus {
    var json: JSONValue {
        let (reasons, reports) = (reasonsNotReady, self.reports)
        return [
            "ready": .boolean(reasons.isEmpty),
            "not_ready": .array(reasons.map { .string($0) }),
            "healthy": .boolean(standing.isConnected && reports.allSatisfy { $0.isHealthy || !$0.isConfigured }),
            "worker": .string(worker),
            "resident_memory_bytes": residentMemory.map { .number($0) } ?? .null,
            "database": ["connected": .boolean(standing.isConnected)],
            "horizon": [
                "position": .number(standing.horizon.position),
                "latest_position": .number(standing.horizon.latest),
                "waiting_seconds": standing.horizon.waiting.map { .number($0 / .seconds(1), digits: 3) } ?? .null,
                "held_back_by": .array(holds.map { .string($0.description) }),
            ],
            "consumers": .array(reports.map(json)),
        ]
    }

    private func json(_ report: ConsumerReport) -> JSONValue {
        let name = report.consumer.name
        let (delivery, own) = (conditions[name], standing.consumers.first { $0.name == name })
        return .object(
            report.members + [
                .init("ready", own.map { .boolean($0.isReady) } ?? .null),
                .init("share", own?.share.map { .number($0) } ?? .null),
                .init("halts", .array((own?.own.halts ?? []).map(json))),
                .init("done", own.map { .number($0.done) } ?? .null),
                .init(
                    "delivery",
                    [
                        "status": delivery.map { .string($0.name) } ?? .null,
                        "reason": delivery.flatMap { $0.reason.isEmpty ? nil : .string($0.reason) } ?? .null,
                    ]),
            ])
    }

    private func json(_ halt: SegmentHalt) -> JSONValue {
        ["segment": .number(halt.segment), "position": .number(halt.position), "reason": .string(halt.reason)]
    }
}
