package import Consumers
import Kafka
import Synchronization

extension KafkaPublisher {
    /// What those who look from outside see of the work on the producer.
    struct Work: Sendable {
        /// The run's; between two runs that of the last one.
        var producer: Producer?
        /// A task feeds or replaces the producer: topics are prepared, records are handed over.
        var isUnderWay = false

        /// What is the matter with the brokers, while something waits for them. An idle client may have lost its
        /// connections to brokers that are there all the same.
        var outage: String? {
            guard let producer, isUnderWay || producer.queueLength > 0, case .down(let error) = producer.connection
            else { return nil }
            return "no Kafka broker answers: \(error)"
        }
    }

    /// The status; and brokers that are away while something waits for them, which the client takes care of by itself.
    package nonisolated var condition: ConsumerCondition {
        let (status, outage) = (status, work.withLock { $0 }.outage)
        return switch status {
        case .waiting(let reason): .waiting(reason)
        case .refused(let reason): .refused(reason)
        case .halted: .halted([status.reason, outage].compactMap { $0 }.joined(separator: "; "))
        case .flowing: outage.map { .waiting($0) } ?? .flowing
        }
    }
}
