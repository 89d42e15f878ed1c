import Consumers
import CoreMetrics
import Kafka
import Logging
import Postgres
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

    /// Looks now and then whether a topic has got partitions that the run does not use.
    ///
    /// The run goes on with those it began with, which keeps the order; the next one takes all.
    func lookAtPartitions() async {
        guard let run, ContinuousClock.now >= nextPartitionLook else { return }
        let topics = router.topics.indices.filter { run.handles[$0] != nil }
        let names = topics.map { router.topics[$0].description }
        if let found = try? await run.producer.prepare(names, within: .seconds(1)), self.run?.number == run.number {
            for (topic, handle) in zip(topics, found) where run.handles[topic]?.partitionCount != handle.partitionCount
            {
                let name = router.topics[topic]
                guard foundPartitions[name] != handle.partitionCount else { continue }
                foundPartitions[name] = handle.partitionCount
                logger.warning(
                    """
                    the topic has got another number of partitions: those it had are used on, in order, until a new \
                    producer is built or the process starts anew; then keys move
                    """,
                    metadata: [
                        "topic": "\(name)", "partitions": "\(handle.partitionCount)",
                        "used": "\(run.handles[topic]?.partitionCount ?? 0)",
                    ])
            }
        }
        nextPartitionLook = .now + options.partitionLookInterval
    }

    func noteFlow() {
        let halts = halts.shown
        backoff.reset()
        say(halts.isEmpty ? .flowing : .halted(halts))
    }

    /// Says what is new about segments that halt; what else is the matter with delivery stays.
    func showHalts() {
        let halts = halts.shown
        if !halts.isEmpty { attention.advance() }
        for halt in halts where said[halt.segment] != halt {
            logger.error(
                "a segment halts at an event that cannot be delivered; the others go on: \(halt.reason)",
                metadata: ["segment": "\(halt.segment)", "position": "\(halt.position)"])
        }
        said = Dictionary(halts.map { ($0.segment, $0) }) { first, _ in first }
        switch status {
        case .flowing, .halted: say(halts.isEmpty ? .flowing : .halted(halts))
        case .waiting, .refused: break
        }
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
        // Each halt was said.
        case .halted: if before.name != .halted { logger.notice("delivery goes on, but for segments that halt") }
        }
    }
}
