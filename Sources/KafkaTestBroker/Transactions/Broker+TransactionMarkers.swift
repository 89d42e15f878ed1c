import Logging
import NIOCore

/// A marker on its way to one partition or group.
struct PendingMarker {
    let id: String
    let producer: TransactionTable.Producer
    let target: MarkerTarget
    /// Faults that hold it until they are removed.
    let holds: [Int]
}

extension Broker {
    private static let markerRetryPause = Duration.milliseconds(100)

    /// Decides that the open transaction of an id whose epoch was just raised is aborted; false if that cannot be kept.
    func prepareAbort(_ id: String) -> Bool {
        guard let transaction = transactions.transactions[id] else { return true }
        let isPrepared = try? transactions.end(id, producer: transaction.producer, commit: false, now: now)
        return isPrepared != true || save(transaction: id)
    }

    /// Has the markers of a transaction whose outcome is decided written: each partition by itself, so that one may be late.
    func writeMarkers(of id: String, _ timing: MarkerTiming = MarkerTiming()) {
        guard let transaction = transactions.transactions[id], transaction.isPrepared else { return }
        for target in MarkerTarget.all(of: transaction) {
            let marker = PendingMarker(
                id: id, producer: transaction.producer, target: target, holds: timing.holds(target))
            let delay = timing.delay(target) ?? configuration.transactionMarkerDelay
            if delay > .zero { write(marker, after: delay) } else { write(marker) }
        }
    }

    /// Writes at once what was left unwritten when the process ended.
    func writeUnfinishedMarkers() {
        for id in transactions.unfinished {
            guard let transaction = transactions.transactions[id] else { continue }
            for target in MarkerTarget.all(of: transaction) {
                write(PendingMarker(id: id, producer: transaction.producer, target: target, holds: []))
            }
        }
    }

    private func write(_ marker: PendingMarker, after delay: Duration) {
        _ = loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { [weak self] in self?.write(marker) }
    }

    private func write(_ marker: PendingMarker) {
        guard !isShutDown else { return }
        if isFrozen { return held.append { [weak self] in self?.write(marker) } }
        if marker.holds.contains(where: faults.isInForce) { return heldMarkers.append(marker) }
        if let rest = coordinatorLoading(of: marker.id) { return write(marker, after: rest) }
        guard transactions.awaits(marker.target, of: marker.id, producer: marker.producer),
            let transaction = transactions.transactions[marker.id]
        else { return }
        do {
            try write(marker.target, of: transaction)
        } catch {
            logger.error("cannot write a transaction marker", metadata: ["id": "\(marker.id)", "error": "\(error)"])
            return write(marker, after: Self.markerRetryPause)
        }
        if transactions.markerWritten(marker.target, of: marker.id, now: now) { _ = save(transaction: marker.id) }
    }

    private func write(_ target: MarkerTarget, of transaction: Transaction) throws {
        let marker = TransactionMarker(
            producerID: transaction.producerID, epoch: transaction.epoch,
            commits: transaction.state == .prepareCommit, coordinatorEpoch: coordinatorEpoch(of: transaction.id))
        switch target {
        case .partition(let id):
            // The topic may have been deleted in the meantime.
            guard let topic = topics[id.topic], let partition = partition(id) else { return }
            try append(marker, to: partition, settings: topic.settings)
        case .group(let group):
            try groups.end(transaction: transaction.producerID, in: group, commits: marker.commits)
        case .none: break
        }
    }

    private func append(_ marker: TransactionMarker, to partition: Partition, settings: TopicSettings) throws {
        let log = partition.log
        // A marker older than what the log has seen has nothing left to end.
        guard log.producers.judge(marker) == .none else { return }
        let batch = marker.batch(timestamp: now)
        guard let header = RecordBatchHeader(batch) else { return }
        let written = try log.append(
            batch, header: header, leaderEpoch: partition.leaderEpoch, now: now, settings: settings)
        log.note(marker, at: written)
        partition.wakeReaders()
    }

    /// Writes the markers that were held only by faults which are gone.
    func releaseMarkers() {
        let waiting = heldMarkers
        heldMarkers = []
        for marker in waiting { write(marker) }
    }

    /// Aborts transactions that have outlived their timeout, and fences their producers.
    func abortTimedOutTransactions() {
        for id in transactions.timedOut(now: now) where coordinatorLoading(of: id) == nil {
            logger.notice("aborting a transaction that timed out", metadata: ["id": "\(id)"])
            transactions.fence(id)
            if prepareAbort(id) { writeMarkers(of: id) }
        }
    }

    func save(transaction id: String) -> Bool {
        guard let transaction = transactions.transactions[id] else { return true }
        return save("transaction", id, transaction)
    }
}
