import Consumers
import Kafka

/// Whether events flow.
extension DeliveryState {
    /// What is the matter, the worst first.
    func status(now: Moment) -> PublisherStatus {
        if let trouble = runTrouble ?? exactlyOnce?.status ?? askTrouble { return trouble }
        if let stall = stall(now) { return stall }
        let halts = halts.shown
        return halts.isEmpty ? .flowing : .halted(halts)
    }

    /// Whether something is to be delivered.
    var isWaiting: Bool { !batches.isEmpty || isAsking || !needed.isEmpty }

    /// Whether a producer is there, and an answer about each topic that is known from the start.
    var isPrepared: Bool {
        guard case .running = life else { return false }
        return needed.isEmpty
    }

    /// What there is to do beside the batches.
    struct Duties: OptionSet, Sendable {
        let rawValue: Int
        /// Something halts, or the table of dead letters is to be told that it no longer does.
        static let halts = Duties(rawValue: 1)
        /// Something is parked.
        static let parked = Duties(rawValue: 2)
    }

    var duties: Duties {
        var duties: Duties = []
        if !halts.isEmpty || !passedHalts.isEmpty { duties.insert(.halts) }
        if parked.count > 0 { duties.insert(.parked) }
        return duties
    }

    /// The largest record that one of the topics takes, as far as is known.
    var largestLimit: Int { topics.limits { limit($0) }.largest }

    private func stall(_ now: Moment) -> PublisherStatus? {
        if let since = silentSince, now.instant - since.instant >= options.stallNotice {
            return .stalled(since: since.microseconds, "no record was acknowledged")
        }
        if let oldest, now.instant - oldest.since.instant >= options.batchStallNotice {
            return .stalled(
                since: oldest.since.microseconds,
                "of the oldest batch no record was acknowledged, while others are")
        }
        return nil
    }

    /// Something of a batch was acknowledged.
    mutating func noteProgress(of id: Int, _ now: Moment) {
        (silentSince, lastProgress) = (now, now)
        if oldest?.id == id { oldest = (id, now) }
    }

    /// Keeps what is waited for up to date.
    mutating func watch(_ now: Moment) {
        guard let first = batches.first(where: { $0.waitsForBrokers }) else {
            (silentSince, oldest) = (nil, nil)
            // What was refused belongs to others by now, or was decided about, and this producer is not refused itself.
            if case .running(let running) = life, now.instant - running.since >= options.longestPause {
                runTrouble = nil
            }
            return
        }
        silentSince = silentSince ?? now
        if oldest?.id != first.id { oldest = (first.id, now) }
    }
}

extension InFlightBatch {
    /// Whether something of it is to be delivered, and not only to be recorded.
    fileprivate var waitsForBrokers: Bool {
        !isResolved && entries.contains { $0.state == .open || $0.state == .uncommitted }
    }
}
