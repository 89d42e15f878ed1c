import Consumers
import KafkaBridge

/// How the relays of the process stand at one moment, and by the database those of the others, for people and programs.
struct RelayStatus: Sendable {
    let worker: String
    let standing: WorkerSnapshot
    var conditions: [String: ConsumerCondition] = [:]
    /// For how long brokers have acknowledged nothing of what is to be delivered, by consumer.
    var silences: [String: Duration] = [:]
    var holds: [HorizonHold] = []
    var residentMemory: Int?
    /// As of the last look that the database answered.
    var picture: StatusSource.Picture?
    /// How long ago that was.
    var pictureAge: Duration?
    /// Why it is not seen how the consumers stand in all processes; `nil` where it is, or was not to be looked at.
    var unseen: String?
    /// The consumers that have processed events within the last seconds.
    var moving: Set<String> = []
    var judgement = ConsumerDiagnosis()
    /// What the process waits for before it relays; `nil` once it does.
    var startsWith: String?
    /// Which sessions at the database are waited for; `nil` if none is missing.
    var missingSession: String?
    /// Why nothing is relayed of this source, while others are.
    var failure: String?

    /// What is the matter with this process: what keeps it from its work, whatever the events are.
    private var processIssues: [HealthIssue] {
        // What could not go on has stopped too.
        if let failure { return [HealthIssue(.refused, failure)] }
        if standing.isStopping { return [HealthIssue(.stopping, "stopping")] }
        if let missingSession { return [HealthIssue(.noSession, missingSession)] }
        if let startsWith { return [HealthIssue(.starting, startsWith)] }
        if !standing.isConnected { return [outage] }
        if let problem = standing.horizon.problem {
            return [HealthIssue(problem.isRefusal ? .sourceRefused : .waiting, problem.sentence)]
        }
        var issues: [HealthIssue] = []
        if let unseen {
            let age = pictureAge.map { "; the figures are \(AgeText.format($0)) old" } ?? ""
            issues.append(HealthIssue(.notSeen, "how all consumers stand cannot be seen: \(unseen)\(age)"))
        }
        if let busy = standing.databaseOutage { issues.append(HealthIssue(.databaseBusy, busy)) }
        if !standing.holdsLease {
            issues.append(
                HealthIssue(
                    .leaseLost, "the segments may be another worker's: no heartbeat was noted for too long"))
        }
        return issues
    }

    /// What keeps this process from its share of a consumer.
    private func shareIssue(_ consumer: WorkerSnapshot.Consumer) -> HealthIssue? {
        if !consumer.isReady {
            let reason =
                consumer.share.map { "owns none of its share of \($0) segments yet" }
                ?? "has not seen the other workers yet"
            return HealthIssue(.rebalancing, "consumer \(consumer.name): \(reason)")
        }
        switch conditions[consumer.name] {
        case .waiting(let reason): return issue(.waiting, "waiting", reason, consumer)
        case .stalled(let reason): return issue(.stalled, "stalled", reason, consumer)
        case .refused(let reason): return issue(.refused, "refused until an operator corrects it", reason, consumer)
        case .halted, .flowing, nil: return nil
        }
    }

    private func issue(
        _ kind: HealthIssue.Kind, _ state: String, _ reason: String, _ consumer: WorkerSnapshot.Consumer
    ) -> HealthIssue {
        HealthIssue(kind, "consumer \(consumer.name): \(ConsumerDiagnosis.once(state, reason))")
    }

    /// Why the source is not read; that the database is away is one cause, and is said as that.
    private var ownProblem: SourceProblem? {
        standing.horizon.problem.flatMap { standing.isConnected || $0.isRefusal ? $0 : nil }
    }

    private var outage: HealthIssue {
        let age = pictureAge.map { ", \(AgeText.format($0)) ago" } ?? ""
        return HealthIssue(
            .databaseAway,
            (standing.databaseOutage ?? "the database is away")
                + (picture == nil ? "" : "; the figures are those of the last look\(age)"))
    }

    /// Whether the horizon is known: it is not where nothing is read.
    var hasHorizon: Bool { standing.isConnected && standing.horizon.problem == nil }

    /// How delivery stands by consumer: what is to be delivered is not known where the database is away or no event is read.
    var deliveries: [String: ConsumerCondition] {
        let cause = processIssues.first {
            failure != nil || !standing.isConnected || standing.horizon.problem != nil || $0.kind == .noSession
        }
        guard let cause, failure != nil || !standing.isStopping else { return conditions }
        return conditions.mapValues { $0 == .flowing ? .waiting(cause.text) : $0 }
    }

    /// What every surface of this process shows.
    var diagnosis: Diagnosis {
        let process = processIssues
        // Where the process cannot work at all, nothing else matters.
        let share = process.isEmpty ? standing.consumers.compactMap(shareIssue) : []
        return Diagnosis(process: process, share: share, reports: reports)
    }

    var reasonsNotReady: [String] { diagnosis.reasonsNotReady }

    /// Jobs that have not ended for good, as of the last look.
    var jobs: [Job] { picture?.jobs ?? [] }

    /// All consumers, judged.
    private var reports: [ConsumerReport] {
        var store = picture?.store ?? known
        // The process knows its horizon, while a command can only guess by who writes.
        store.writers = standing.horizon.waiting == nil ? [] : store.writers
        for index in store.consumers.indices {
            let name = store.consumers[index].name
            // The process knows what it reads; a source that it reads is well.
            store.consumers[index].problem =
                standing.consumers.contains { $0.name == name }
                ? ownProblem : store.consumers[index].problem
            store.consumers[index].workers = store.consumers[index].workers.map { other in
                guard other.id == worker, let condition = conditions[name] else { return other }
                // Newer than what the last heartbeat reported.
                return StoreStatus.Worker(
                    id: other.id, lastHeartbeat: other.lastHeartbeat, isGone: other.isGone, condition: condition,
                    isOneOff: other.isOneOff, hasStopped: other.hasStopped)
            }
        }
        return judgement.reports(
            StatusSource.Picture(
                store: store, deadLetters: picture?.deadLetters ?? [:], audits: picture?.audits ?? [:],
                jobs: picture?.jobs ?? []),
            configured: Set(standing.consumers.map(\.name))
        ).map { report in
            var report = report
            report.figuresAge = picture == nil ? nil : pictureAge ?? .zero
            report.isMoving = moving.contains(report.consumer.name)
            if !standing.isConnected { report.issues.insert(outage, at: 0) }
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
        let diagnosis = diagnosis
        let reasons = diagnosis.reasonsNotReady
        return [
            "ready": .boolean(reasons.isEmpty),
            "not_ready": .array(reasons.map { .string($0) }),
            "healthy": .boolean(diagnosis.isHealthy),
            "problems": .array(diagnosis.problems.map(\.json)),
            "worker": .string(worker),
            "resident_memory_bytes": residentMemory.map { .number($0) } ?? .null,
            "database": ["connected": .boolean(standing.isConnected)],
            "horizon": [
                "position": hasHorizon ? .number(standing.horizon.position) : .null,
                "latest_position": .number(standing.horizon.latest),
                "waiting_seconds": standing.horizon.waiting.map { .number($0 / .seconds(1), digits: 3) } ?? .null,
                "held_back_by": .array(holds.map { .string($0.description) }),
            ],
            "figures_age_seconds": pictureAge.map { .number($0 / .seconds(1), digits: 3) } ?? .null,
            "consumers": .array(diagnosis.reports.map(json)),
            "jobs": JobReport.json(jobs),
        ]
    }

    private func json(_ report: ConsumerReport) -> JSONValue {
        let name = report.consumer.name
        let (delivery, own) = (deliveries[name], standing.consumers.first { $0.name == name })
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
                        "unacknowledged_seconds": silences[name].map { .number($0 / .seconds(1), digits: 3) } ?? .null,
                    ]),
            ])
    }

    private func json(_ halt: SegmentHalt) -> JSONValue {
        ["segment": .number(halt.segment), "position": .number(halt.position), "reason": .string(halt.reason)]
    }
}
