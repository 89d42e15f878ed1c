import Synchronization
import TestSupport
import Testing

@testable import KafkaBridge

/// How many clients look at topics at a time.
@Suite struct AsyncSemaphoreTests {
    private final class Counts: Sendable {
        let state = Mutex((running: 0, most: 0, done: 0))
    }

    @Test func `no more than the limit run at a time, and all of them in the end`() async throws {
        let gate = AsyncSemaphore(limit: 3)
        let counts = Counts()
        try await withThrowingTaskGroup { group in
            for _ in 0..<20 {
                group.addTask {
                    try await gate.withRoom {
                        counts.state.withLock { counts in
                            counts.running += 1
                            counts.most = max(counts.most, counts.running)
                        }
                        await Task.yield()
                        counts.state.withLock { counts in
                            counts.running -= 1
                            counts.done += 1
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(counts.state.withLock { $0.most } <= 3)
        #expect(counts.state.withLock { $0.done } == 20)
    }

    @Test func `one that waits can be cancelled, and its place is not lost`() async throws {
        let gate = AsyncSemaphore(limit: 1)
        let (stream, end) = AsyncStream.makeStream(of: Void.self)
        let begun = Mutex(false)
        let first = Task {
            try await gate.withRoom {
                begun.withLock { $0 = true }
                for await _ in stream { break }
            }
        }
        try await eventually("the first has begun") { begun.withLock { $0 } }
        let second = Task { try await gate.withRoom {} }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        end.yield()
        try await first.value
        try await gate.withRoom {}
    }
}
