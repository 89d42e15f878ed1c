import Logging
import NIOCore

extension Broker {
    /// Looks after timeouts, retention and compaction every so often, until ``shutdown()``.
    func startHousekeeping() {
        let interval = TimeAmount(configuration.housekeepingInterval)
        housekeeping = loop.assumeIsolated().scheduleTask(in: interval) { [weak self] in
            guard let self else { return }
            self.keepHouse()
            self.startHousekeeping()
        }
        if case .interval(let pause) = configuration.fsync, syncing == nil { scheduleSync(TimeAmount(pause)) }
    }

    private func scheduleSync(_ pause: TimeAmount) {
        syncing = loop.assumeIsolated().scheduleTask(in: pause) { [weak self] in
            guard let self else { return }
            self.syncStorage()
            self.scheduleSync(pause)
        }
    }

    private func keepHouse() {
        abortTimedOutTransactions()
        let now = now
        for topic in topics.values {
            for partition in topic.partitions {
                let log = partition.log
                log.producers.expire(now: now, lifetime: configuration.producerExpirationMilliseconds)
                do {
                    if try log.applyRetention(now: now, settings: topic.settings) { partition.wakeReaders() }
                    if topic.settings.compacts { try log.compact(now: now, settings: topic.settings) }
                } catch {
                    logger.error(
                        "cannot apply retention", metadata: ["topic": "\(topic.name)", "error": "\(error)"])
                }
            }
        }
    }

    /// Stops the timers, closes all connections and lets go of the data directory.
    func shutdown() {
        housekeeping?.cancel()
        syncing?.cancel()
        syncStorage()
        for channel in channels.values { channel.close(promise: nil) }
        journal = nil
        directoryLock = nil
        topics = [:]
    }
}
