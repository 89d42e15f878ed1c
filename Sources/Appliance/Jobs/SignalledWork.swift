import Logging
import Synchronization
import UnixSignals

/// Runs a piece of work that the first SIGTERM or SIGINT asks to stop and the second ends at once.
package struct SignalledWork: Sendable {
    let logger: Logger

    /// Whether a signal has asked to stop, so that nothing more of the kind is to be begun.
    package static var isStopping: Bool { stopping.load(ordering: .relaxed) }
    private static let stopping = Atomic<Bool>(false)

    /// - Parameter stop: asks the work to come to its end.
    func run<Value: Sendable>(
        stop: @escaping @Sendable () -> Void, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await watch(signals, stop)
                return nil
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    private func watch(_ signals: UnixSignalsSequence, _ stop: @Sendable () -> Void) async throws {
        var count = 0
        for await signal in signals {
            count += 1
            Self.stopping.store(true, ordering: .relaxed)
            guard count == 1 else {
                ForcedExit.end(after: ForcedExit.letGoTime, logger: logger)
                throw Failure(.stoppedAtOnce, ExitStatus.stoppedAtOnce.meaning)
            }
            logger.notice(
                "stopping: waiting for what is under way; a second signal lets go at once",
                metadata: ["signal": "\(signal)"])
            stop()
        }
    }
}
