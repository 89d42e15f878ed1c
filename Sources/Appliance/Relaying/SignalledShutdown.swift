import Logging
import ServiceLifecycle
import UnixSignals

/// Runs services until they end or the process is told to: the first SIGTERM or SIGINT drains, the second lets go at
/// once.
struct SignalledShutdown: Sendable {
    let group: ServiceGroup
    /// How long the services may take to finish.
    let limit: Duration
    let logger: Logger

    /// - Returns: whether the services ended by themselves or were drained, not let go.
    func run() async throws -> Bool {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        return try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                try await group.run()
                return true
            }
            tasks.addTask { try await watch(signals) }
            defer { tasks.cancelAll() }
            return try await tasks.next() ?? true
        }
    }

    /// What is cancelled once the time is over needs a moment to let go.
    private static let grace: Duration = .seconds(5)

    private func watch(_ signals: UnixSignalsSequence) async throws -> Bool {
        var count = 0
        for await signal in signals {
            count += 1
            if count == 1 {
                logger.notice(
                    "stopping: finishing what is in flight; a second signal lets go at once",
                    metadata: ["signal": "\(signal)"])
                ForcedExit.end(after: limit + Self.grace, logger: logger)
                await group.triggerGracefulShutdown()
            } else {
                logger.warning(
                    "letting go at once; the next start goes on from the checkpoint", metadata: ["signal": "\(signal)"])
                ForcedExit.end(after: ForcedExit.letGoTime, logger: logger)
                return false
            }
        }
        // The sequence ends when the services have ended and this task is cancelled.
        return true
    }
}
