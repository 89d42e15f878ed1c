import Logging
import NIOCore

extension Broker {
    /// Looks after timeouts, retention and compaction every so often, until ``shutdown()``.
    func startHousekeeping() {
        every(configuration.transactionCheckInterval) { $0.abortTimedOutTransactions() }
        every(configuration.retentionCheckInterval) { $0.applyRetention() }
        every(configuration.producerExpirationCheckInterval) { $0.expireProducers() }
        if case .interval(let pause) = configuration.fsync { every(pause) { $0.syncStorage() } }
    }

    private func every(_ interval: Duration, _ work: @escaping (Broker) -> Void) {
        _ = loop.assumeIsolated().scheduleTask(in: TimeAmount(interval)) { [weak self] in
            guard let self, !self.isShutDown else { return }
            if !self.isFrozen { work(self) }
            self.every(interval, work)
        }
    }

    private func expireProducers() {
        for partition in topics.values.flatMap(\.partitions) {
            partition.log.producers.expire(now: now, lifetime: configuration.producerExpirationMilliseconds)
        }
    }

    /// Drops and compacts what the topics' settings say.
    func applyRetention() {
        let now = now
        for topic in topics.values {
            for partition in topic.partitions {
                do {
                    if try partition.log.applyRetention(now: now, settings: topic.settings) { partition.wakeReaders() }
                    if topic.settings.compacts { try partition.log.compact(now: now, settings: topic.settings) }
                } catch {
                    logger.error(
                        "cannot apply retention", metadata: ["topic": "\(topic.name)", "error": "\(error)"])
                }
            }
        }
    }

    /// Stops the timers, closes all connections and lets go of the data directory.
    func shutdown() {
        isShutDown = true
        syncStorage()
        for (_, channel) in channels.values { channel.close(promise: nil) }
        journal = nil
        directoryLock = nil
        topics = [:]
    }
}
