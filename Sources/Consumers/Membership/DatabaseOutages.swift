import Logging
import Synchronization
import Telemetry

/// Writes a worker's outages of the database into the log: few lines, however often its session is lost.
final class DatabaseOutages: Sendable {
    private let reports = Mutex(OutageReports())
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// The database answers as it should; called with each heartbeat too.
    func reportSuccess() {
        switch reports.withLock({ $0.succeeded(now: .now) }) {
        case .back?: logger.notice("the database is back")
        case .recovered(let times, let time)?:
            logger.notice("the database went away \(times) times in \(time.wholeSeconds) s, and is back")
        case .away?, .stillAway?, nil: break
        }
    }

    /// - Parameter text: what is waited for, in words that are the same for each outage of the same kind.
    func report(_ text: String, _ error: any Error) {
        switch reports.withLock({ $0.failed(text, now: .now) }) {
        case .away?: logger.warning("\(text), waiting for it: \(error)")
        case .stillAway(let times, let time)?:
            logger.warning(
                "the database went away \(times) times in \(time.wholeSeconds) s, waiting for it: \(error)")
        case .back?, .recovered?, nil: break
        }
    }
}
