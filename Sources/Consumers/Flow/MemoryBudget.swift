import Synchronization

/// Counts the memory of the events that a process has read and not yet done with, in bytes.
///
/// Nothing waits here: who reads looks at what is used first, and what was read is counted as it is.
final class MemoryBudget: Sendable {
    /// Bytes that are counted until they are given back, or the last reference goes.
    final class Share: Sendable {
        private let budget: MemoryBudget
        private let bytes: Atomic<Int>

        fileprivate init(_ budget: MemoryBudget, _ bytes: Int) {
            self.budget = budget
            self.bytes = Atomic(bytes)
        }

        /// Some of them are free again.
        func giveBack(_ part: Int) {
            bytes.subtract(part, ordering: .relaxed)
            budget.giveBack(part)
        }

        /// Some of what was given back is used again.
        func takeAgain(_ part: Int) {
            bytes.add(part, ordering: .relaxed)
            budget.used.add(part, ordering: .relaxed)
        }

        deinit {
            budget.giveBack(bytes.load(ordering: .relaxed))
        }
    }

    private let most: Atomic<Int>
    private let used = Atomic<Int>(0)
    private let isAwaited = Atomic<Bool>(false)
    /// Woken when memory came free that was waited for.
    let released: WakeSignal

    init(limit: Int, released: WakeSignal) {
        most = Atomic(limit)
        self.released = released
    }

    /// The most bytes that are to be used.
    var limit: Int {
        get { most.load(ordering: .relaxed) }
        set { most.store(newValue, ordering: .relaxed) }
    }

    var bytesUsed: Int { used.load(ordering: .relaxed) }

    /// Whether more than a part of the limit is used; then ``released`` is woken with the next bytes that come free.
    func isUsed(beyond part: Double) -> Bool {
        guard Double(bytesUsed) > Double(limit) * part else { return false }
        isAwaited.store(true, ordering: .sequentiallyConsistent)
        // What came free in between woke nobody.
        return Double(bytesUsed) > Double(limit) * part
    }

    func charge(_ bytes: Int) -> Share {
        used.add(bytes, ordering: .relaxed)
        return Share(self, bytes)
    }

    private func giveBack(_ bytes: Int) {
        used.subtract(bytes, ordering: .sequentiallyConsistent)
        if isAwaited.exchange(false, ordering: .sequentiallyConsistent) { released.wake() }
    }
}
