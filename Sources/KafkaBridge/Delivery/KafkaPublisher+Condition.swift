package import Consumers
import Kafka
import Synchronization

extension KafkaPublisher {
    /// The status; and brokers that are away while records wait for them, which the client takes care of by itself.
    package nonisolated var condition: ConsumerCondition {
        switch status {
        case .waiting(let reason): return .waiting(reason)
        case .refused(let reason): return .refused(reason)
        case .halted: return .halted(status.reason ?? "")
        case .flowing:
            // An idle client may have lost its connections to brokers that are there all the same.
            guard let producer = producer.withLock({ $0 }), producer.queueLength > 0,
                case .down(let error) = producer.connection
            else { return .flowing }
            return .waiting("no Kafka broker answers: \(error)")
        }
    }
}
