import Consumers
import EventSourcing
import KafkaBridge

/// What the age of a consumer's oldest undelivered event is due to. A pure value.
///
/// Each cause that holds now has held for a known time, or nobody knows since when. A moment that several causes cover belongs to
/// the first of them in the order of ``Cause``: without it the later ones would have had no effect. What no cause covers was
/// reading and the queue, if a relay answers that would name another cause; else it is unknown.
struct DelayAccount: Sendable, Equatable {
    enum Cause: String, Sendable, CaseIterable {
        case paused
        case notServed = "not_served"
        case notRead = "not_read"
        case halted
        case openTransaction = "open_transaction"
        case brokers
        case rateLimit = "rate_limit"
        case queue = "reading_and_queue"
        case unknown
    }

    struct Share: Sendable, Equatable {
        let cause: Cause
        /// Its part of the age; `nil` where nobody knows since when it holds.
        let time: Duration?
        /// For people: who or what it is, and since when.
        let text: String
    }

    /// What is known of the oldest event and of what is in its way.
    struct Facts: Sendable {
        enum Owner: Sendable, Equatable {
            case nobody
            /// No heartbeat for so long.
            case silent(String, Duration)
            case live(String, ConsumerCondition)
        }

        /// The settled horizon, as a relay that answers knows it.
        struct Horizon: Sendable, Equatable {
            /// `nil` where nothing is read.
            var position: Int64?
            /// How long it has waited for an open transaction; `nil` if it does not.
            var waiting: Duration?
            var holders: [String] = []
        }

        struct Halt: Sendable, Equatable {
            var position: Int64
            var since: Duration?
            var reason: String
        }

        var consumer: String
        /// Events that wait, at most.
        var waiting: Int64
        /// `nil` where it was not found.
        var age: Duration?
        var position: Int64?
        var segment: Int?
        var order: StoreStatus.Order?
        var owner = Owner.nobody
        var problem: SourceProblem?
        var halt: Halt?
        /// `nil` where no relay answers.
        var horizon: Horizon?
        /// For how long brokers have acknowledged nothing; `nil` where nothing waits for them, or nobody knows.
        var silence: Duration?
        /// The transactions that write at the moment, by the database: they need not hold anything back.
        var writers: [HorizonHold] = []
        var stages: StageTimes?
    }

    let consumer: String
    /// Events that wait, at most.
    let waiting: Int64
    let age: Duration?
    let position: Int64?
    let segment: Int?
    /// In the order of ``Cause``; with the times they add up to the age.
    let shares: [Share]
    let stages: StageTimes?

    init(_ facts: Facts) {
        (consumer, waiting, age) = (facts.consumer, facts.waiting, facts.age)
        (position, segment, stages) = (facts.position, facts.segment, facts.stages)
        guard waiting > 0 else {
            shares = []
            return
        }
        var (shares, covered): ([Share], Duration) = ([], .zero)
        for cause in Self.causes(facts) {
            guard let since = cause.since, let age else {
                shares.append(Share(cause: cause.kind, time: nil, text: cause.text))
                continue
            }
            let end = min(age, max(.zero, since))
            let time = max(.zero, end - covered)
            covered = max(covered, end)
            // What others explain altogether is no reason.
            if time > .zero { shares.append(Share(cause: cause.kind, time: time, text: cause.text)) }
        }
        if let age, age > covered {
            let isUndated = shares.contains { $0.time == nil }
            shares.append(Self.rest(age - covered, isUndated: isUndated, facts))
        } else if age == nil, shares.isEmpty {
            shares = [
                Share(cause: .unknown, time: nil, text: "no event was found among the positions that were looked at")
            ]
        }
        self.shares = shares
    }

    private typealias Ongoing = (kind: Cause, since: Duration?, text: String)

    /// What holds now, in the order of ``Cause``.
    private static func causes(_ facts: Facts) -> [Ongoing] {
        var causes: [Ongoing] = []
        if let order = facts.order, order.control.isPaused {
            causes.append((.paused, order.age, "paused by \(order.actor): `godwit resume \(facts.consumer)`"))
        }
        switch facts.owner {
        case .nobody: causes.append((.notServed, nil, "no process serves its segment: start `godwit run`"))
        case .silent(let worker, let age):
            causes.append((.notServed, age, "\(worker) serves its segment and was last heard of then"))
        case .live: break
        }
        if let problem = facts.problem { causes.append((.notRead, problem.duration, problem.sentence)) }
        if let halt = facts.halt {
            causes.append((.halted, halt.since, "its segment halts at position \(halt.position): \(halt.reason)"))
        }
        if let waits = transaction(facts) { causes.append(waits) }
        if case .live(_, let condition) = facts.owner {
            switch condition {
            case .waiting(let reason), .refused(let reason), .stalled(let reason):
                // The heartbeat says the same of a source that is not read.
                if facts.problem == nil { causes.append((.brokers, facts.silence, reason)) }
            case .halted, .flowing: break
            }
        }
        if let order = facts.order, let rate = order.control.rate {
            let text =
                "bounded to \(RateText.format(rate)) events/s by \(order.actor): `godwit rate \(facts.consumer) off`"
            causes.append((.rateLimit, order.age, text))
        }
        return causes
    }

    /// What the horizon waits for, where the event lies behind it.
    private static func transaction(_ facts: Facts) -> Ongoing? {
        guard let horizon = facts.horizon, let waiting = horizon.waiting, let settled = horizon.position,
            let position = facts.position, position > settled
        else { return nil }
        let who =
            horizon.holders.isEmpty ? "it is not known who holds it" : horizon.holders.joined(separator: "; ")
        return (.openTransaction, waiting, "an open transaction may have drawn positions before it: \(who)")
    }

    private static func rest(_ time: Duration, isUndated: Bool, _ facts: Facts) -> Share {
        if isUndated { return Share(cause: .unknown, time: time, text: "since when that holds is not known") }
        guard facts.horizon != nil else {
            var text = "no running relay answers at the admin port that could say"
            if !facts.writers.isEmpty {
                let writers = facts.writers.map(\.description).joined(separator: "; ")
                text += "; transactions that are open, and may hold it back: \(writers)"
            }
            return Share(cause: .unknown, time: time, text: text)
        }
        return Share(
            cause: .queue, time: time, text: "reading, what was under way before it, or a cause that has ended since")
    }
}

extension DelayAccount.Facts {
    /// What the database and the process that answers know of a consumer.
    init(
        _ consumer: StoreStatus.Consumer, in picture: StatusSource.Picture, process: JSONValue?, stages: StageTimes?,
        staleThreshold: Duration
    ) {
        let lag = consumer.lag
        self.consumer = consumer.name
        (waiting, age, position) = (lag?.events ?? 0, lag?.oldest, lag?.oldestPosition)
        let oldest = consumer.segments.first {
            $0.lag.oldestPosition != nil && $0.lag.oldestPosition == lag?.oldestPosition
        }
        segment = oldest?.id
        (order, problem, writers) = (consumer.order, consumer.problem, picture.store.writers)
        self.stages = stages
        let answer = process?.list("consumers").first { $0["name"] == .string(consumer.name) }
        horizon = process?["horizon"].map { horizon in
            Horizon(
                position: horizon.int("position"), waiting: horizon.seconds("waiting_seconds"),
                holders: horizon.list("held_back_by").compactMap(\.words))
        }
        guard let id = (oldest ?? consumer.segments.first)?.id else { return }
        let worker = consumer.segments.first { $0.id == id }?.owner.flatMap { owner in
            consumer.workers.first { $0.id == owner }
        }
        if let worker, !worker.isGone, worker.lastHeartbeat <= staleThreshold {
            owner = .live(worker.id, worker.condition)
            // Newer than the heartbeat.
            if process?["worker"] == .string(worker.id), let delivery = answer?["delivery"],
                let name = delivery["status"]?.words
            {
                owner = .live(worker.id, ConsumerCondition(name: name, reason: delivery["reason"]?.words ?? ""))
                silence = delivery.seconds("unacknowledged_seconds")
            }
        } else if let worker {
            owner = .silent(worker.id, worker.lastHeartbeat)
        }
        if let known = picture.halts.first(where: { $0.consumer == consumer.name && $0.segment == id }) {
            halt = Halt(position: known.position, since: known.age, reason: known.error)
        } else if let told = answer?.list("halts").first(where: { $0["segment"] == .number(id) }) {
            // For a reason that is its topic's: it is recorded nowhere since when.
            halt = Halt(position: told.int("position") ?? 0, since: nil, reason: told["reason"]?.words ?? "")
        }
    }
}

extension JSONValue {
    fileprivate func list(_ name: String) -> [JSONValue] {
        if case .array(let values)? = self[name] { values } else { [] }
    }

    fileprivate var words: String? { if case .string(let text) = self { text } else { nil } }

    fileprivate func int(_ name: String) -> Int64? {
        if case .number(let text)? = self[name] { Int64(text) } else { nil }
    }

    fileprivate func seconds(_ name: String) -> Duration? {
        guard case .number(let text)? = self[name], let seconds = Double(text) else { return nil }
        return .seconds(seconds)
    }
}
