import Kafka
import Logging
import Synchronization

extension KafkaPublisher {
    func notePartitions(_ count: Int32, of topic: TopicName) {
        if let known = partitionCounts[topic], known != count {
            logger.warning(
                """
                the topic has another number of partitions: keys move, so events of an aggregate that are in the old \
                and the new partition have no order between them
                """, metadata: ["topic": "\(topic)", "partitions": "\(count)", "before": "\(known)"])
        }
        partitionCounts[topic] = count
    }

    func noteFlow() {
        backoff.reset()
        if !isHalted { say(.flowing) }
    }

    func say(_ status: PublisherStatus) {
        let before = shared.withLock { current in
            defer { current = status }
            return current
        }
        guard before != status else { return }
        metrics.stands(status)
        switch status {
        case .flowing: logger.notice("delivery goes on")
        case .waiting(let reason): logger.warning("delivery waits: \(reason)")
        case .refused(let reason): logger.error("delivery is refused until somebody mends it: \(reason)")
        case .halted(let position, let reason):
            logger.error("delivery halts: \(reason)", metadata: ["position": "\(position)"])
        }
    }
}
