/// Runs the tasks of a simulation on the simulation's own thread, between its steps and in the order in which they were woken,
/// so that a seed gives the same history each time.
///
/// Unchecked: one thread makes, steps and ends a simulation.
final class StepExecutor: TaskExecutor, @unchecked Sendable {
    private var jobs: [UnownedJob] = []
    private var isDraining = false

    func enqueue(_ job: consuming ExecutorJob) { jobs.append(UnownedJob(job)) }

    /// Runs what is ready, until nothing is.
    func drain() {
        if isDraining { return }
        isDraining = true
        var next = 0
        while next < jobs.count {
            let job = jobs[next]
            next += 1
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        jobs.removeAll(keepingCapacity: true)
        isDraining = false
    }
}

/// A simulated answer that a task waits for; the first one counts.
final class Answer<Value: Sendable>: @unchecked Sendable {
    private var continuation: CheckedContinuation<Value, any Error>?
    private var result: Result<Value, any Error>?
    private(set) var isDone = false

    func resume(_ result: Result<Value, any Error>) {
        if isDone { return }
        isDone = true
        if let continuation {
            self.continuation = nil
            continuation.resume(with: result)
        } else {
            self.result = result
        }
    }

    func wait() async throws -> Value {
        if let result { return try result.get() }
        return try await withCheckedThrowingContinuation { continuation = $0 }
    }
}
