import Consumers
import CoreMetrics
import EventSourcing
import KafkaBridge
import Synchronization
import Telemetry

/// Turns what the database tells into metrics, for the consumers of this process. At a scrape, not on an event's way.
final class StoreMetrics: Sendable {
    private struct SegmentKey: Hashable {
        let consumer: String
        let segment: Int
    }

    private let worker: String
    private let consumers: Set<String>
    /// Whether audits are asked for: one that was ended must not seem to be late.
    private let audits: Bool
    /// The segments that have a series: a lost one must not keep its lag for ever.
    private let reported = Mutex<Set<SegmentKey>>([])
    /// The problems that have a series: one that is over must not stay for ever.
    private let problems = Mutex<Set<[String]>>([])

    init(worker: String, consumers: Set<String>, audits: Bool = true) {
        self.audits = audits
        self.worker = worker
        self.consumers = consumers
    }

    /// To metrics of the task's backend.
    ///
    /// - Parameter age: how old the picture is: what has waited in it waits still, as far as is known.
    func report(_ picture: StatusSource.Picture, age: Duration) {
        for state in JobLife.State.allCases where !state.isFinal {
            Metric.jobs.gauge(state.rawValue).set(picture.jobs.count { $0.state == state })
        }
        for consumer in picture.store.consumers where consumers.contains(consumer.name) {
            let control = consumer.order?.control ?? ConsumerControl()
            Metric.isPaused.gauge(consumer.name).set(control.isPaused ? 1 : 0)
            Metric.rateLimit.gauge(consumer.name).set(control.rate ?? 0)
            let letters = picture.deadLetters[consumer.name]
            Metric.parkedEvents.gauge(consumer.name).set(letters?.open ?? 0)
            Metric.haltedSegments.gauge(consumer.name).set(letters?.halted ?? 0)
            if audits, let audit = picture.audits[consumer.name] { report(audit, age) }
            report(consumer, age)
        }
    }

    private func report(_ audit: AuditRecord, _ age: Duration) {
        let (name, counts) = (audit.consumer, audit.counts)
        Metric.auditPosition.gauge(name).set(audit.position)
        Metric.auditMissing.gauge(name).set(counts.missing)
        Metric.auditUnproven.gauge(name).set(counts.unproven + Int64(audit.suspects.count))
        Metric.auditDoubled.gauge(name).set(counts.doubled)
        Metric.auditDisordered.gauge(name).set(counts.disordered)
        Metric.auditAge.gauge(name).set((audit.age + age) / .seconds(1))
    }

    /// What is the matter, to metrics of the task's backend; 0 for what was.
    func report(_ diagnosis: Diagnosis) {
        let now = Set(
            diagnosis.problems.flatMap { problem in
                (problem.consumers.isEmpty ? [""] : problem.consumers).map { [$0, problem.issue.kind.code] }
            })
        let over = problems.withLock { problems in
            defer { problems.formUnion(now) }
            return problems.subtracting(now)
        }
        for labels in now { Metric.problem.gauge(labels[0], labels[1]).set(1) }
        for labels in over { Metric.problem.gauge(labels[0], labels[1]).set(0) }
    }

    /// How delivery stands: what publishers note themselves knows nothing of the database.
    func report(_ deliveries: [String: ConsumerCondition]) {
        for (consumer, condition) in deliveries {
            for name in PublisherStatus.Name.allCases.map(\.rawValue) {
                Metric.deliveryStatus.gauge(consumer, name).set(name == condition.name ? 1 : 0)
            }
        }
    }

    private func report(_ consumer: StoreStatus.Consumer, _ age: Duration) {
        let own = consumer.segments.filter { $0.owner == worker }
        if own.allSatisfy({ $0.lag.events == 0 }) {
            Metric.lagTime.gauge(consumer.name).set(0)
        } else if let oldest = own.compactMap(\.lag.oldest).max() {
            Metric.lagTime.gauge(consumer.name).set(max(0, (oldest + age) / .seconds(1)))
        }
        for segment in own {
            set(SegmentKey(consumer: consumer.name, segment: segment.id), segment.lag, age)
        }
        let keys = Set(own.map { SegmentKey(consumer: consumer.name, segment: $0.id) })
        let lost = reported.withLock { reported in
            defer { reported.formUnion(keys) }
            return reported.filter { $0.consumer == consumer.name && !keys.contains($0) }
        }
        for key in lost { set(key, SegmentLag(counted: 0), .zero) }
    }

    private func set(_ key: SegmentKey, _ lag: SegmentLag, _ age: Duration) {
        let segment = String(key.segment)
        Metric.segmentLagEvents.gauge(key.consumer, segment).set(lag.events)
        let seconds = lag.events == 0 ? .zero : lag.oldest.map { $0 + age }
        if let seconds { Metric.segmentLagTime.gauge(key.consumer, segment).set(max(0, seconds / .seconds(1))) }
    }
}
