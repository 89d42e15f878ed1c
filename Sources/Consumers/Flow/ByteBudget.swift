import Synchronization

/// Bounds what one consumer has under way. One task takes from it, any may give back.
///
/// Batches are shared between consumers, so what counts here is a bound of its own; the process's memory is counted once,
/// by ``MemoryBudget``.
final class ByteBudget: Sendable {
    /// A share of the budget; it is given back when the last reference to it goes.
    final class Share: Sendable {
        private let budget: ByteBudget
        private let bytes: Int
        private let charge: MemoryBudget.Share

        fileprivate init(_ budget: ByteBudget, _ bytes: Int, _ charge: MemoryBudget.Share) {
            self.budget = budget
            self.bytes = bytes
            self.charge = charge
        }

        deinit {
            budget.giveBack(bytes)
        }
    }

    /// The most bytes under way.
    let limit: Int
    private let process: MemoryBudget
    private let used = Mutex(0)
    private let released = WakeSignal()

    init(limit: Int, process: MemoryBudget) {
        self.limit = limit
        self.process = process
    }

    /// Waits until a batch fits. What is larger than the whole budget fits when nothing else is under way, and while the
    /// process is short of memory, nothing else does.
    ///
    /// - Parameters:
    ///   - batch: the bytes of the batch, which the process counts already.
    ///   - records: the bytes that the consumer keeps beside it.
    func take(batch: Int, records: Int) async throws -> Share {
        let bytes = batch + records
        while true {
            let fits = used.withLock { used in
                guard used == 0 || used + bytes <= limit && process.bytesUsed <= process.limit else { return false }
                used += bytes
                return true
            }
            if fits { return Share(self, bytes, process.charge(records)) }
            try Task.checkCancellation()
            _ = await released.wait(atMost: .seconds(60))
        }
    }

    private func giveBack(_ bytes: Int) {
        used.withLock { $0 -= bytes }
        released.wake()
    }
}
