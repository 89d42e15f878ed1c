import Synchronization

/// Bounds what one consumer has under way. One task takes from it, any may give back.
///
/// Batches are shared between consumers, so what counts here is a bound of its own; the process's memory is counted once,
/// by ``MemoryBudget``.
final class ByteBudget: Sendable {
    /// A share of the budget; it is given back when the last reference to it goes.
    final class Share: Sendable {
        /// Its part for what the consumer makes of the events.
        let records: RecordMemory
        private let budget: ByteBudget
        private let bytes: Int

        fileprivate init(_ budget: ByteBudget, _ bytes: Int, _ records: RecordMemory) {
            self.budget = budget
            self.bytes = bytes
            self.records = records
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
    ///   - events: for so many events.
    func take(batch: Int, records: Int, events: Int = 1) async throws -> Share {
        let bytes = batch + records
        while true {
            let fits = used.withLock { used in
                guard used == 0 || used + bytes <= limit && process.bytesUsed <= process.limit else { return false }
                used += bytes
                return true
            }
            if fits { return Share(self, batch, RecordMemory(self, records, events, process.charge(records))) }
            try Task.checkCancellation()
            _ = await released.wait(atMost: .seconds(60))
        }
    }

    fileprivate func giveBack(_ bytes: Int) {
        used.withLock { $0 -= bytes }
        released.wake()
    }

    fileprivate func takeAgain(_ bytes: Int) { used.withLock { $0 += bytes } }
}

/// The memory of what a consumer has made of a batch's events; it is given back when the last reference to it goes, or before.
package final class RecordMemory: Sendable {
    private let budget: ByteBudget
    private let charge: MemoryBudget.Share
    private let all: (bytes: Int, events: Int)
    private let left: Mutex<(bytes: Int, events: Int)>

    fileprivate init(_ budget: ByteBudget, _ bytes: Int, _ events: Int, _ charge: MemoryBudget.Share) {
        self.budget = budget
        self.charge = charge
        all = (bytes, events)
        left = Mutex((bytes, events))
    }

    /// Of so many of the events nothing is left but the events themselves: what was made of them is sent, and freed.
    package func release(events count: Int) {
        let part = left.withLock { left -> Int in
            let part = count >= left.events ? left.bytes : left.bytes / left.events * count
            left = (left.bytes - part, max(0, left.events - count))
            return part
        }
        if part > 0 {
            charge.giveBack(part)
            budget.giveBack(part)
        }
    }

    /// So many of the events whose memory was released are sent again: it counts again, whether it fits or not.
    package func restore(events count: Int) {
        let part = left.withLock { left -> Int in
            let (bytes, events) = (all.bytes - left.bytes, all.events - left.events)
            let part = count >= events ? bytes : bytes / events * count
            left = (left.bytes + part, min(all.events, left.events + count))
            return part
        }
        if part > 0 {
            charge.takeAgain(part)
            budget.takeAgain(part)
        }
    }

    deinit {
        budget.giveBack(left.withLock { $0.bytes })
    }
}
