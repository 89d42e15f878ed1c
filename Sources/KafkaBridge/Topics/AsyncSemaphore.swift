/// Bounds how many tasks do something at a time; those that wait get their turn in the order in which they came.
package actor AsyncSemaphore {
    /// Bounds how many clients look at topics at a time, whatever the number of consumers: each has threads, pipes and
    /// connections of its own.
    static let topicClients = AsyncSemaphore(limit: mostTopicClients)

    package static let mostTopicClients = 32

    private var free: Int
    private var lastNumber: UInt64 = 0
    private var waiters: [(number: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []

    package init(limit: Int) { free = limit }

    /// Runs the body, where the caller is, once there is room.
    ///
    /// Not on this actor: the optimizer of Swift 6.3.1 leaves out the way back from an actor's method that runs a closure,
    /// so that the caller goes on on the wrong executor.
    ///
    /// - Throws: what the body throws; `CancellationError` if the task is cancelled before.
    package nonisolated func withRoom<Value>(_ body: () async throws -> Value) async throws -> Value {
        guard await take() else { throw CancellationError() }
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await give()
        return try result.get()
    }

    private func take() async -> Bool {
        if Task.isCancelled { return false }
        if free > 0 {
            free -= 1
            return true
        }
        lastNumber += 1
        let number = lastNumber
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(returning: false)
                } else {
                    waiters.append((number, continuation))
                }
            }
        } onCancel: {
            // A bare task, because a cancellation handler cannot wait for the actor.
            Task { await self.giveUp(number) }
        }
    }

    private func give() {
        if waiters.isEmpty { free += 1 } else { waiters.removeFirst().continuation.resume(returning: true) }
    }

    private func giveUp(_ number: UInt64) {
        guard let index = waiters.firstIndex(where: { $0.number == number }) else { return }
        waiters.remove(at: index).continuation.resume(returning: false)
    }
}
