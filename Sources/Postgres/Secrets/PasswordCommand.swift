import DedicatedThread
import Synchronization

/// A program that prints the password of the next connection, such as a cloud's short-lived token.
///
/// Connections that are opened at the same time share one run, and one within a second of it takes its password.
public actor PasswordCommand {
    /// How long a password is used for further connections.
    private static let freshness: Duration = .seconds(1)

    private nonisolated let program: ProgramRun
    private let work = SharedWork<String>()
    private var fresh: (password: String, taken: ContinuousClock.Instant)?

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
        let password = try await work.value { [program] in
            let stop = StopFlag()
            return await withTaskCancellationHandler {
                await BlockingCall.run(named: "pg-password") { program.password(stop: stop) }
            } onCancel: {
                stop.raise()
            }
        }
        fresh = (password, .now)
        return password
    }

    /// Forgets a password that the server refused.
    func forget(_ password: String) {
        if fresh?.password == password { fresh = nil }
    }
}

/// Informs a thread that nobody waits for it any more.
final class StopFlag: Sendable {
    private let raised = Atomic<Bool>(false)

    var isRaised: Bool { raised.load(ordering: .relaxed) }

    func raise() { raised.store(true, ordering: .relaxed) }
}
