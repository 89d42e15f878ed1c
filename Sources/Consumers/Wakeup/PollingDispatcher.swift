public import Logging
import Postgres

/// Has the source's reader look now and then: one look per interval, however many consumers there are.
public struct PollingDispatcher: Sendable {
    private let source: EventSource
    private let interval: Duration
    private let logger: Logger

    /// - Parameter interval: how long a new event may go unnoticed; 200 ms by default.
    public init(
        _ source: EventSource, interval: Duration = .milliseconds(200),
        logger: Logger = Logger(label: "godwit.wakeup")
    ) {
        self.source = source
        self.interval = interval
        self.logger = logger
    }

    /// Looks and wakes until the task is cancelled. A database that is away is waited for.
    public func run() async throws {
        var retry = DatabaseRetry(initial: max(interval, .milliseconds(10)))
        var seen: Int64 = -1
        while true {
            do {
                let latest = try await source.reader.look() ?? seen
                if latest != seen { source.wakeups.count(.poll) }
                seen = latest
                retry.succeeded()
                try await Task.sleep(for: interval)
            } catch {
                try await retry.pause(after: error)
            }
        }
    }
}
