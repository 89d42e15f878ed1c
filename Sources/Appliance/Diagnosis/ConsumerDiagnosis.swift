import Consumers
import EventSourcing
import KafkaBridge

/// Finds out why a consumer does not move, from what the database has. A pure decision.
struct ConsumerDiagnosis: Sendable {
    /// How old a worker's heartbeat may be.
    var staleThreshold: Duration = .seconds(30)
    /// How long a transaction may be open before it counts as holding events back.
    var holdThreshold: Duration = .seconds(10)
    /// How often what was delivered is to be audited; `nil` for never.
    var auditInterval: Duration?
    /// How old a waiting event may be; `nil` for any age.
    var longestLag: Duration?
    /// What is promised of each consumer's events, where the configuration at hand says it.
    var deliveries: [String: ConsumerSection.Delivery] = [:]

    /// The worst first.
    func issues(
        of consumer: StoreStatus.Consumer, _ letters: DeadLetters.Count? = nil, audit: AuditRecord? = nil,
        in store: StoreStatus
    ) -> [HealthIssue] {
        guard let lag = consumer.lag else {
            // A process that serves it says why it has not begun.
            let waits = conditions(consumer.workers)
            let notStarted = HealthIssue(.notStarted, "it was never started: start `godwit run`")
            return source(consumer) + (waits.isEmpty ? [notStarted] : waits) + orders(consumer)
        }
        var issues =
            owners(consumer) + source(consumer) + conditions(owningWorkers(consumer)) + orders(consumer)
            + parked(consumer, letters) + missed(consumer) + found(audit) + behind(audit, consumer)
        if lag.events > 0 {
            issues += holds(store)
            if let longestLag, let oldest = lag.oldest, oldest > longestLag {
                issues.append(
                    HealthIssue(
                        .tooFarBehind,
                        "the oldest waiting event is \(AgeText.format(oldest)) old; \(AgeText.format(longestLag)) are allowed"
                    ))
            }
        }
        return issues.enumerated()
            .sorted { ($0.element.kind.rank, $0.offset) < ($1.element.kind.rank, $1.offset) }.map(\.element)
    }

    private func owners(_ consumer: StoreStatus.Consumer) -> [HealthIssue] {
        let live = consumer.workers.filter { isLive($0) }
        var issues: [HealthIssue] = []
        let ownerless = consumer.segments.filter { segment in
            !consumer.workers.contains { $0.id == segment.owner }
        }.map(\.id)
        if !ownerless.isEmpty {
            issues.append(
                live.isEmpty
                    ? HealthIssue(.noOwner, "no process serves \(SegmentText.format(ownerless)): start `godwit run`")
                    : HealthIssue(.rebalancing, "\(SegmentText.format(ownerless)) will be claimed within moments"))
        }
        for worker in consumer.workers where !isLive(worker) {
            let owned = consumer.segments.filter { $0.owner == worker.id }.map(\.id)
            if owned.isEmpty { continue }
            let age = AgeText.format(worker.lastHeartbeat)
            issues.append(
                HealthIssue(
                    .ownerSilent,
                    "\(worker.id) owns \(SegmentText.format(owned)) and was last heard of \(age) ago: "
                        + (live.isEmpty ? "start `godwit run`" : "others take over")))
        }
        for worker in live where worker.hasStopped {
            let owned = consumer.segments.filter { $0.owner == worker.id }.map(\.id)
            if owned.isEmpty { continue }
            issues.append(
                HealthIssue(
                    .ownerSilent,
                    "\(worker.id) owns \(SegmentText.format(owned)) and has stopped, since no heartbeat was noted for "
                        + "\(AgeText.format(worker.lastHeartbeat)): see its log, and who locks rows of consumer_workers"
                ))
        }
        if !live.isEmpty, live.allSatisfy(\.isOneOff) {
            issues.append(HealthIssue(.oneOff, "a one-off run: it ends when it has done what was there at its start"))
        }
        return issues
    }

    private func isLive(_ worker: StoreStatus.Worker) -> Bool {
        !worker.isGone && worker.lastHeartbeat <= staleThreshold
    }

    /// What the source itself shows, also where no process runs that could say so.
    private func source(_ consumer: StoreStatus.Consumer) -> [HealthIssue] {
        guard let problem = consumer.problem else { return [] }
        return [
            HealthIssue(problem.isRefusal ? .sourceRefused : .waiting, problem.sentence)
        ]
    }

    private func owningWorkers(_ consumer: StoreStatus.Consumer) -> [StoreStatus.Worker] {
        let owners = Set(consumer.segments.compactMap(\.owner))
        return consumer.workers.filter { owners.contains($0.id) }
    }

    private func conditions(_ workers: [StoreStatus.Worker]) -> [HealthIssue] {
        var seen: Set<ConsumerCondition> = []
        return workers.filter { isLive($0) }
            .compactMap { worker in
                guard seen.insert(worker.condition).inserted else { return nil }
                switch worker.condition {
                case .flowing: return nil
                case .waiting(let reason): return HealthIssue(.waiting, Self.once("waiting", reason))
                case .stalled(let reason): return HealthIssue(.stalled, Self.once("stalled", reason))
                case .refused(let reason):
                    return HealthIssue(.refused, Self.once("refused until an operator corrects it", reason))
                case .halted(let reason): return HealthIssue(.halted, Self.once("halted", reason))
                }
            }
    }

    /// A reason behind its state, which it may name itself.
    static func once(_ state: String, _ reason: String) -> String {
        let word = state.prefix { $0 != " " }
        return reason.hasPrefix(word) ? reason : "\(state): \(reason)"
    }

    private func orders(_ consumer: StoreStatus.Consumer) -> [HealthIssue] {
        guard let order = consumer.order else { return [] }
        var issues: [HealthIssue] = []
        if order.control.isPaused {
            issues.append(
                HealthIssue(
                    .paused,
                    "paused by \(order.actor) \(AgeText.format(order.age)) ago: `godwit resume \(consumer.name)`"))
        }
        if let rate = order.control.rate, (consumer.lag?.events ?? 0) > 0 {
            issues.append(
                HealthIssue(
                    .limited,
                    "bounded to \(RateText.format(rate)) events/s: `godwit rate \(consumer.name) off` lifts that"))
        }
        return issues
    }

    private func parked(_ consumer: StoreStatus.Consumer, _ letters: DeadLetters.Count?) -> [HealthIssue] {
        guard let letters, letters.open > letters.halted else { return [] }
        let count = letters.open - letters.halted
        let words = count == 1 ? "1 event is parked and waits" : "\(CountText.format(count)) events are parked and wait"
        return [
            HealthIssue(.parked, "\(words) for a decision: `godwit parked list --consumer \(consumer.name)`")
        ]
    }

    /// Whatever it delivers from now on, what is removed does not come again.
    private func missed(_ consumer: StoreStatus.Consumer) -> [HealthIssue] {
        guard let missed = consumer.missed else { return [] }
        return [HealthIssue(.removedUndelivered, missed.sentence(of: consumer.name))]
    }

    private func found(_ audit: AuditRecord?) -> [HealthIssue] {
        guard let audit, audit.needsAttention else { return [] }
        let counts = audit.counts
        let parts: [(count: Int64, what: String)] = [
            (counts.missing, "missing"), (counts.disordered, "out of order"), (counts.misplaced, "in another topic"),
        ]
        let found = parts.filter { $0.count > 0 }.map { "\(CountText.format($0.count)) \($0.what)" }
        let first = audit.missing.first.map { ", the first at position \($0)" } ?? ""
        let repair =
            audit.missing.first.map {
                "`godwit verify --consumer \(audit.consumer) --from-position \($0) --repair` publishes what is missing; "
            } ?? ""
        let reset = "`godwit audit --reset \(audit.consumer)` begins anew"
        var issues: [HealthIssue] = []
        if audit.hasFindings {
            issues.append(
                HealthIssue(
                    .auditFound,
                    "the audit found events: \(found.joined(separator: ", "))\(first): \(repair)\(reset)"))
        }
        if audit.reason == .topicsChanged {
            issues.append(
                HealthIssue(
                    .auditFound,
                    "the audit began anew behind position \(audit.beganAfter), since \(audit.reason.text): records up to there "
                        + "may be gone; `godwit verify --consumer \(audit.consumer)` compares them, and \(reset)"))
        }
        return issues
    }

    /// An audit that does not move finds nothing, which is not the same as that nothing is wrong.
    private func behind(_ audit: AuditRecord?, _ consumer: StoreStatus.Consumer) -> [HealthIssue] {
        guard let audit, let auditInterval, audit.age > auditInterval * 3 + .seconds(60) else { return [] }
        let slowest = consumer.segments.map(\.checkpoint).min() ?? 0
        let standing = consumer.segments.filter { $0.checkpoint == slowest }
        if audit.owner != nil, audit.position >= slowest, standing.count < consumer.segments.count {
            // What was ordered is no problem.
            if consumer.order?.control.isPaused == true { return [] }
            return [
                HealthIssue(
                    .auditBehind,
                    "the audit waits for \(SegmentText.format(standing.map(\.id))) at position \(slowest), and has not "
                        + "seen all of them for \(AgeText.format(audit.age)); the others are audited up to position \(audit.position)"
                )
            ]
        }
        let who = audit.owner.map { "see the log of \($0)" } ?? "no process audits it"
        return [
            HealthIssue(
                .auditBehind,
                "the audit has not caught up for \(AgeText.format(audit.age)), and may miss what is wrong: \(who)")
        ]
    }

    /// Where audits are asked for, and what they found cannot be read.
    func unread(_ picture: StatusSource.Picture) -> [HealthIssue] {
        guard auditInterval != nil, let trouble = picture.auditTrouble else { return [] }
        return [
            HealthIssue(
                .auditBehind,
                "what audits have found cannot be read: \(trouble); after an upgrade: `godwit migrate --grants`")
        ]
    }

    private func holds(_ store: StoreStatus) -> [HealthIssue] {
        store.writers.filter { $0.age ?? .zero >= holdThreshold }.map { hold in
            HealthIssue(
                .heldBack, "events wait for an open transaction that may have drawn positions before them: \(hold)")
        }
    }
}

extension MissedRows {
    /// What happened, and what to do, for people.
    func sentence(of consumer: String) -> String {
        let count = positions == 1 ? "1 position was" : "\(CountText.format(positions)) positions were"
        return
            "\(count) removed by retention before \(consumer) had them, \(range): what was there cannot be published from "
            + "here any more; once that is understood: `godwit accept-source --consumer \(consumer) --keep-checkpoints --yes`"
    }

    private var range: String {
        positions == 1 ? CountText.format(through) : "\(CountText.format(after + 1)) to \(CountText.format(through))"
    }

    var json: JSONValue {
        ["from_position": .number(after + 1), "to_position": .number(through), "positions": .number(positions)]
    }
}
