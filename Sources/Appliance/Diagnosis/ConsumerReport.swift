package import Consumers
import EventSourcing
package import KafkaBridge

/// A consumer's state in all processes, judged.
package struct ConsumerReport: Sendable {
    package let consumer: StoreStatus.Consumer
    /// What waits for an operator's decision; `nil` if nothing does.
    package let deadLetters: DeadLetters.Count?
    /// What the audit of its delivery has found; `nil` where there is none.
    package var audit: AuditRecord?
    /// What keeps it from moving, the worst first.
    package var issues: [HealthIssue]
    /// What is promised of its events; `nil` where that is not known.
    var delivery: ConsumerSection.Delivery?
    /// Whether the configuration at hand has it; others are shown, but their health is for other processes to report.
    package let isConfigured: Bool
    /// Whether events were processed here within the last seconds, as far as is known.
    var isMoving = false

    /// How long ago the database was seen as this describes it; `nil` where it was never seen, and only what the process knows itself
    /// is here.
    var figuresAge: Duration? = .zero
    /// Whether it is known at all what the database has of it.
    var isSeen: Bool { figuresAge != nil }

    package var isHealthy: Bool { !issues.contains(where: \.kind.isUnhealthy) }

    /// In one word.
    package var state: String {
        guard let first = issues.first else {
            return consumer.lag?.events == 0 && !isMoving ? "up to date" : "flowing"
        }
        return first.kind.rawValue.split(separator: "_").joined(separator: " ")
    }

    /// How the state is to strike a reader.
    var tone: Terminal.Tone? {
        if issues.isEmpty { return .good }
        return isHealthy ? .doubtful : isConfigured ? .bad : .quiet
    }

    /// The members every program gets, be it from the command or the admin port.
    var members: [JSONValue.Member] {
        let (lag, control) = (consumer.lag, consumer.order?.control)
        return [
            .init("name", .string(consumer.name)),
            .init("healthy", .boolean(isHealthy)),
            .init("configured", .boolean(isConfigured)),
            .init("guarantee", delivery.map { .string($0.name) } ?? .null),
            .init(
                "why",
                .array(
                    issues.map {
                        [
                            "code": .string($0.kind.code), "kind": .string($0.kind.rawValue), "text": .string($0.text),
                        ]
                    })),
            .init("checkpoint", consumer.segments.map(\.checkpoint).min().map { .number($0) } ?? .null),
            .init("lag_events", lag.map { .number($0.events) } ?? .null),
            .init("lag_exact", lag.map { .boolean($0.isExact) } ?? .null),
            .init("lag_seconds", lag.map(Self.seconds) ?? .null),
            .init("parked_events", isSeen ? .number(deadLetters?.open ?? 0) : .null),
            .init("halted_segments", isSeen ? .number(deadLetters?.halted ?? 0) : .null),
            .init("audit", audit?.json ?? .null),
            .init("paused", .boolean(control?.isPaused ?? false)),
            .init("rate_limit", control?.rate.map { .number($0, digits: 6) } ?? .null),
            .init("began_without_through", consumer.beganWithout.map { .number($0) } ?? .null),
            .init("removed_undelivered", consumer.missed?.json ?? .null),
            .init("total_segments", .number(consumer.segments.count)),
            .init("segments", .array(consumer.segments.map(Self.json))),
            .init(
                "workers",
                .array(
                    consumer.workers.map { worker in
                        [
                            "worker": .string(worker.id),
                            "last_heartbeat_seconds": .number(worker.lastHeartbeat / .seconds(1), digits: 3),
                            "condition": .string(worker.condition.name),
                            "reason": worker.condition.reason.isEmpty ? .null : .string(worker.condition.reason),
                        ]
                    })),
        ]
    }

    private static func json(_ segment: StoreStatus.Segment) -> JSONValue {
        [
            "segment": .number(segment.id),
            "owner": segment.owner.map { .string($0) } ?? .null,
            "checkpoint": .number(segment.checkpoint),
            "lag_events": .number(segment.lag.events),
            "lag_exact": .boolean(segment.lag.isExact),
            "lag_seconds": seconds(segment.lag),
        ]
    }

    /// 0 where nothing waits, null where something does and its age is not known.
    private static func seconds(_ lag: SegmentLag) -> JSONValue {
        if lag.events == 0 { return 0 }
        return lag.oldest.map { .number(max(0, $0 / .seconds(1)), digits: 3) } ?? .null
    }
}
