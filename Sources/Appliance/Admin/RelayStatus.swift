import Consumers
import KafkaBridge

/// How the relays of the process stand at one moment, for people and programs.
struct RelayStatus: Sendable {
    let worker: String
    let standing: WorkerStanding
    var deliveries: [String: PublisherStatus] = [:]
    var holds: [HorizonHold] = []
    var residentMemory: Int?

    /// Why the process should get no traffic, or a rollout should wait: empty if it is ready.
    var reasonsNotReady: [String] {
        if standing.isStopping { return ["stopping"] }
        if !standing.isConnected { return ["the database is away"] }
        if !standing.holdsLease { return ["the segments may be another worker's: no heartbeat was noted for too long"] }
        return standing.consumers.compactMap { consumer in
            Self.reasonNotReady(consumer).map { "consumer \(consumer.name): \($0)" }
        }
    }

    private static func reasonNotReady(_ consumer: WorkerStanding.Consumer) -> String? {
        if consumer.isReady { return nil }
        guard let share = consumer.share else { return "has not seen the other workers yet" }
        return "owns none of its share of \(share) segments yet"
    }
}

extension RelayStatus {
    var json: JSONValue {
        let reasons = reasonsNotReady
        return [
            "ready": .boolean(reasons.isEmpty),
            "not_ready": .array(reasons.map { .string($0) }),
            "worker": .string(worker),
            "resident_memory_bytes": residentMemory.map { .number($0) } ?? .null,
            "database": ["connected": .boolean(standing.isConnected)],
            "horizon": [
                "position": .number(standing.horizon.position),
                "latest_position": .number(standing.horizon.latest),
                "waiting_seconds": standing.horizon.waiting.map { .number($0 / .seconds(1), digits: 3) } ?? .null,
                "held_back_by": .array(holds.map { .string($0.description) }),
            ],
            "consumers": .array(standing.consumers.map(json)),
        ]
    }

    private func json(_ consumer: WorkerStanding.Consumer) -> JSONValue {
        let delivery = deliveries[consumer.name]
        return [
            "name": .string(consumer.name),
            "ready": .boolean(consumer.isReady),
            "delivery": [
                "status": delivery.map { .string($0.name.rawValue) } ?? .null,
                "reason": delivery?.reason.map { .string($0) } ?? .null,
            ],
            "checkpoint": consumer.own.checkpoint.map { .number($0) } ?? .null,
            "lag_events": .number(consumer.own.lag),
            "total_segments": .number(consumer.totalSegments),
            "share": consumer.share.map { .number($0) } ?? .null,
            "segments": .array((0..<consumer.totalSegments).map { segment(of: consumer, $0) }),
        ]
    }

    /// The position of a segment is known to its owner only.
    private func segment(of consumer: WorkerStanding.Consumer, _ segment: Int) -> JSONValue {
        let position = consumer.own.segments[segment]
        let owner = position == nil ? consumer.owners[segment] : worker
        return [
            "segment": .number(segment),
            "owner": owner.map { .string($0) } ?? .null,
            "checkpoint": position.map { .number($0) } ?? .null,
        ]
    }
}
