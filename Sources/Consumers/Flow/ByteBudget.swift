import Synchronization

/// Bounds the memory of what is under way. One task takes from it, any may give back.
final class ByteBudget: Sendable {
    /// A share of the budget; it is given back when the last reference to it goes.
    final class Share: Sendable {
        private let budget: ByteBudget
        private let bytes: Int

        fileprivate init(_ budget: ByteBudget, _ bytes: Int) {
            self.budget = budget
            self.bytes = bytes
        }

        deinit {
            budget.giveBack(bytes)
        }
    }

    /// The most bytes under way.
    let limit: Int
    private let used = Mutex(0)
    private let released = WakeSignal()

    init(limit: Int) {
        self.limit = limit
    }

    /// Waits until the bytes fit. What is larger than the whole budget fits when nothing else is under way.
    func take(_ bytes: Int) async throws -> Share {
        while true {
            let fits = used.withLock { used in
                guard used == 0 || used + bytes <= limit else { return false }
                used += bytes
                return true
            }
            if fits { return Share(self, bytes) }
            try Task.checkCancellation()
            _ = await released.wait(atMost: .seconds(60))
        }
    }

    private func giveBack(_ bytes: Int) {
        used.withLock { $0 -= bytes }
        released.wake()
    }
}
