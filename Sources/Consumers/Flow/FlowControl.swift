import EventSourcing
import Synchronization

/// Lets a consumer's events pass as its controls say: not while paused, and no faster than the rate.
final class FlowControl: Sendable {
    private struct State {
        var control = ConsumerControl()
        var bucket: TokenBucket?
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Waited for by the reader and by what is parked.
    private let changed = WakeSignal()

    var control: ConsumerControl { state.withLock { $0.control } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// - Returns: whether that is new.
    @discardableResult func apply(_ control: ConsumerControl) -> Bool {
        let isNew = state.withLock { state in
            defer { state.control = control }
            return state.control != control
        }
        if isNew { changed.wake() }
        return isNew
    }

    /// Lets nothing pass any more; what waits ends.
    func close() {
        state.withLock { $0.isClosed = true }
        changed.close()
    }

    /// Waits until events may pass.
    ///
    /// - Parameters:
    ///   - wanted: how many; 0 waits only for a pause to end.
    ///   - share: the part of the consumer's segments that this process owns, which is its part of the rate.
    /// - Returns: how many may pass now, at least one if any is wanted; `nil` once closed.
    func admit(_ wanted: Int, share: Double) async throws -> Int? {
        while true {
            let seen = changed.generation
            let decision = state.withLock { state -> TokenBucket.Decision? in
                if state.isClosed { return nil }
                if state.control.isPaused { return .wait(.seconds(3600)) }
                guard let rate = state.control.rate, wanted > 0 else { return .go(wanted) }
                let now = ContinuousClock.now
                var bucket =
                    state.bucket.flatMap { $0.rate == rate * share ? $0 : nil }
                    ?? TokenBucket(rate: rate * share, now: now)
                defer { state.bucket = bucket }
                return bucket.take(wanted, now: now)
            }
            switch decision {
            case nil: return nil
            case .go(let count): return count
            case .wait(let time):
                _ = await changed.wait(after: seen, atMost: time)
                try Task.checkCancellation()
            }
        }
    }
}
