/// Work that all who ask at the same time wait for together; it is cancelled once none of them waits any more.
actor SharedWork<Value: Sendable> {
    private var run: (number: UInt64, task: Task<Void, Never>)?
    private var waiters: [UInt64: CheckedContinuation<Result<Value, PostgresError>, Never>] = [:]
    private var lastNumber: UInt64 = 0

    var callersWaiting: Int { waiters.count }

    /// Waits for the work that is under way, or begins it.
    ///
    /// - Throws: what the work fails with; `cancelled` at once when the caller is.
    func value(
        _ work: @escaping @Sendable () async -> Result<Value, PostgresError>
    ) async throws(PostgresError) -> Value {
        lastNumber += 1
        let number = lastNumber
        let result: Result<Value, PostgresError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(returning: .failure(sharedWorkCancelled))
                } else {
                    waiters[number] = continuation
                    if run == nil { start(number, work) }
                }
            }
        } onCancel: {
            // A bare task, because a cancellation handler cannot wait for the actor.
            Task { await self.giveUp(number) }
        }
        return try result.get()
    }

    private func start(_ number: UInt64, _ work: @escaping @Sendable () async -> Result<Value, PostgresError>) {
        // A bare task: the work belongs to all who wait for it, not to the first of them.
        let task = Task { await self.end(number, work()) }
        run = (number, task)
    }

    private func end(_ number: UInt64, _ result: Result<Value, PostgresError>) {
        guard run?.number == number else { return }
        run = nil
        for waiter in waiters.values { waiter.resume(returning: result) }
        waiters = [:]
    }

    private func giveUp(_ number: UInt64) {
        waiters.removeValue(forKey: number)?.resume(returning: .failure(sharedWorkCancelled))
        guard waiters.isEmpty, let run else { return }
        run.task.cancel()
        self.run = nil
    }
}

private let sharedWorkCancelled = PostgresError(.cancelled, "connecting was cancelled")
