import Synchronization

/// How far a relay has come. It outlives the connections to PostgreSQL, so that a restart of the server makes nobody
/// publish again what is under way or acknowledged.
final class RelayProgress: Sendable {
    struct State {
        /// Everything up to here was handed over to be published.
        var handedOver: Int64 = 0
        /// Everything up to here is acknowledged.
        var acknowledged: Int64 = 0
        /// The batches handed over that wait for their acknowledgement.
        var underWay = 0
        /// What ended the publication for good.
        var failure: (any Error)?
        /// The epochs of the segments at the last claim, by segment.
        var epochs: [Int: Int64] = [:]

        /// Whether there is nothing left to wait for.
        var isDrained: Bool { underWay == 0 || failure != nil }
    }

    private let state = Mutex(State())
    /// Woken at each change; for the one task that serves the database.
    let changed = WakeSignal()

    var current: State { state.withLock { $0 } }

    /// Whether nobody else has claimed the segments since this relay last did, so that it may go on where it was.
    func continues(with segments: [Segment]) -> Bool {
        state.withLock { state in
            !state.epochs.isEmpty && segments.allSatisfy { state.epochs[$0.id] == $0.epoch - 1 }
        }
    }

    func claimed(_ segments: [Segment]) {
        state.withLock { $0.epochs = Dictionary(uniqueKeysWithValues: segments.map { ($0.id, $0.epoch) }) }
    }

    /// Starts anew, with nothing under way.
    func begin(after position: Int64) {
        change {
            $0.handedOver = position
            $0.acknowledged = position
        }
    }

    func handedOver(through position: Int64) {
        change {
            $0.handedOver = max($0.handedOver, position)
            $0.underWay += 1
        }
    }

    func acknowledged(through position: Int64) {
        change {
            // What is acknowledged behind a failure lies past a hole.
            if $0.failure == nil { $0.acknowledged = max($0.acknowledged, position) }
            $0.underWay -= 1
        }
    }

    func failed(_ error: any Error) {
        change {
            if $0.failure == nil {
                $0.failure = error
                $0.acknowledged = max($0.acknowledged, (error as? PublicationHalted)?.acknowledgedThrough ?? 0)
            }
            $0.underWay -= 1
        }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        changed.wake()
    }
}
