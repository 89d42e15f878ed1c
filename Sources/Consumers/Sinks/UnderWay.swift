import Synchronization

/// Counts what is under way, so that one task may wait until nothing is.
final class UnderWay: Sendable {
    private let count = Mutex(0)
    private let changed = WakeSignal()

    func begin() {
        count.withLock { $0 += 1 }
    }

    func end() {
        count.withLock { $0 -= 1 }
        changed.wake()
    }

    func waitForNone() async throws {
        while count.withLock({ $0 > 0 }) {
            try Task.checkCancellation()
            _ = await changed.wait(atMost: .seconds(60))
        }
    }
}
