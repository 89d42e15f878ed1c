import Kafka
import Synchronization

/// Lets one task at a time do something that takes several calls.
final class Turn: Sendable {
    private let isTaken = Mutex(false)
    private let changed = Signal()

    /// Waits for the turn; ``give()`` it back.
    ///
    /// - Throws: when the task is cancelled; then the turn is not taken.
    func take() async throws {
        while true {
            let seen = changed.generation
            let isMine = isTaken.withLock { isTaken in
                defer { isTaken = true }
                return !isTaken
            }
            if isMine { return }
            await changed.wait(after: seen)
            try Task.checkCancellation()
        }
    }

    func give() {
        isTaken.withLock { $0 = false }
        changed.advance()
    }
}
