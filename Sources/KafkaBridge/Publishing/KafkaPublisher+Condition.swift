package import Consumers
package import EventSourcing
import Kafka
import Synchronization

/// Looked at from outside, without waiting for the actor.
extension KafkaPublisher {
    /// What is seen from outside without waiting for the actor.
    struct Shared {
        var status = PublisherStatus.flowing
        var producer: Producer?
        /// Something is to be delivered or answered.
        var isWaiting = false
        /// Something is to be delivered, and no broker has acknowledged anything since, in microseconds since 1970.
        var silentSince: Int64?
        var largestPayload = Int.max
        /// Why no broker answers, as found when they were asked while nothing was to be delivered.
        var idleOutage: String?
        /// Why the table of dead letters cannot be used at the moment.
        var tableTrouble: String?
        var tally = Tally()
    }

    /// What became of events that were not simply published, since the publisher began.
    package struct Tally: Sendable, Hashable {
        package var parked = 0
        package var deadLettered = 0
        /// Parked before, and published.
        package var redriven = 0

        mutating func take(_ notices: [DeliveryNotice]) {
            for notice in notices {
                switch notice {
                case .recordedParked(let count): parked += count
                case .deadLetter: deadLettered += 1
                default: break
                }
            }
        }
    }

    package nonisolated var tally: Tally { shared.withLock { $0.tally } }

    package nonisolated var status: PublisherStatus { shared.withLock { $0.status } }

    /// For how long something is to be delivered of which no broker has acknowledged anything; `nil` where nothing is.
    package nonisolated var brokersSilence: Duration? {
        shared.withLock { $0.silentSince }.map { .microseconds(max(0, CurrentTime.microseconds - $0)) }
    }

    /// Records handed to the client and not yet reported.
    package nonisolated var queueLength: Int { shared.withLock { $0.producer }?.queueLength ?? 0 }

    /// The status; and brokers that are away while something waits for them, which the client takes care of by itself. An
    /// idle client may have lost its connections to brokers that are there all the same.
    package nonisolated var condition: ConsumerCondition {
        let shared = shared.withLock { $0 }
        let outage = Self.outage(shared.producer, shared.isWaiting) ?? shared.idleOutage
        let reason = shared.status.reason ?? ""
        return switch shared.status {
        case .refused(let reason): .refused(reason)
        case .halted: outage.map { .waiting("\($0); besides, \(reason)") } ?? .halted(reason)
        case .stalled: outage.map { .waiting($0) } ?? .stalled(reason)
        case .waiting(let reason): .waiting(outage ?? reason)
        case .flowing: (outage ?? shared.tableTrouble).map { .waiting($0) } ?? .flowing
        }
    }

    /// Whether the client has no connection and opens none, since nothing is to be delivered: the brokers may be
    /// there all the same.
    package nonisolated var isIdleWithoutConnection: Bool {
        let (producer, isWaiting) = shared.withLock { ($0.producer, $0.isWaiting) }
        if case .down = producer?.connection { return !isWaiting }
        return false
    }

    /// Takes in why no broker answers where nothing is to be delivered; `nil` where one does.
    package nonisolated func noteIdleOutage(_ reason: String?) {
        shared.withLock { $0.idleOutage = reason }
    }

    static func outage(_ producer: Producer?, _ isWaiting: Bool) -> String? {
        guard isWaiting, case .down(let error) = producer?.connection else { return nil }
        // For how long a connection was there differs from consumer to consumer, and is no part of the cause.
        let text = "\(error)".replacing(#/ \(after \d+ms in state [A-Z_]+[^)]*\)/#, with: "")
        return "no Kafka broker answers: \(text)"
    }

    /// Events with larger payloads may come without them.
    package nonisolated var largestPayload: Int { shared.withLock { $0.largestPayload } }

    package nonisolated func memory(of batch: FeedBatch) -> Int {
        options.route.memory(of: batch)
    }
}
