import DedicatedThread
import Synchronization

/// A program that prints the password of the next connection, such as a cloud's short-lived token.
///
/// Connections that are opened at the same time share one run, and one within a second of it takes its password.
public actor PasswordCommand {
    /// How long a password is used for further connections.
    private static let freshness: Duration = .seconds(1)

    private nonisolated let program: ProgramRun
    private var fresh: (password: String, taken: ContinuousClock.Instant)?
    private var run: (number: UInt64, stop: StopFlag)?
    private var waiters: [UInt64: CheckedContinuation<Result<String, PostgresError>, Never>] = [:]
    private var lastNumber: UInt64 = 0

    /// - Parameters:
    ///   - words: the program, which is looked for on the PATH, and its arguments; no shell sees them. Not empty.
    ///   - timeLimit: how long it may run; then its process group is killed.
    public init(_ words: [String], timeLimit: Duration = .seconds(10)) {
        program = ProgramRun(words: words, timeLimit: timeLimit)
    }

    /// Runs the program, unless its password is not a second old or a run is under way.
    ///
    /// - Throws: `secretUnavailable` if it gives no password; `cancelled`.
    func password() async throws(PostgresError) -> String {
        if let fresh, .now - fresh.taken < Self.freshness { return fresh.password }
        lastNumber += 1
        let number = lastNumber
        let result: Result<String, PostgresError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(returning: Result<String, PostgresError>.failure(Self.cancelled))
                } else {
                    waiters[number] = continuation
                    if run == nil { start(number) }
                }
            }
        } onCancel: {
            // A bare task, because a cancellation handler cannot wait for the actor.
            Task { await self.giveUp(number) }
        }
        return try result.get()
    }

    /// Forgets a password that the server refused.
    func forget(_ password: String) {
        if fresh?.password == password { fresh = nil }
    }

    private func start(_ number: UInt64) {
        let stop = StopFlag()
        run = (number, stop)
        // A bare task: the run belongs to all who wait for it, not to the first of them.
        Task { [program] in
            let result = await BlockingCall.run(named: "pg-password") { program.password(stop: stop) }
            self.end(number, result)
        }
    }

    private func end(_ number: UInt64, _ result: Result<String, PostgresError>) {
        guard run?.number == number else { return }
        run = nil
        if case .success(let password) = result { fresh = (password, .now) }
        for waiter in waiters.values { waiter.resume(returning: result) }
        waiters = [:]
    }

    private func giveUp(_ number: UInt64) {
        waiters.removeValue(forKey: number)?.resume(returning: .failure(Self.cancelled))
        guard waiters.isEmpty, let run else { return }
        run.stop.raise()
        self.run = nil
    }

    private static let cancelled = PostgresError(.cancelled, "waiting for the password command was cancelled")
}

/// Tells a thread that nobody waits for it any more.
final class StopFlag: Sendable {
    private let raised = Atomic<Bool>(false)

    var isRaised: Bool { raised.load(ordering: .relaxed) }

    func raise() { raised.store(true, ordering: .relaxed) }
}
