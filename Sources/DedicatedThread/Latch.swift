/// A gate between threads that opens once; threads (never tasks) block on it.
///
/// `@unchecked Sendable`: `isOpen` is read and written only inside `condition.withLock`.
package final class Latch: @unchecked Sendable {
    private let condition = ThreadCondition()
    private var isOpen = false

    package init() {}

    package func open() {
        condition.withLock { isOpen = true }
        condition.signal()
    }

    /// Blocks the calling thread until the latch is open.
    package func wait() {
        condition.withLock {
            while !isOpen { condition.wait() }
        }
    }

    /// Blocks the calling thread until the latch is open or the time is up; true when it is open.
    package func wait(atMost limit: Duration) -> Bool {
        let deadline = ContinuousClock.now + limit
        return condition.withLock {
            while !isOpen {
                if !condition.wait(until: deadline) { return isOpen }
            }
            return true
        }
    }
}
