import DedicatedThread
import Glibc
import Logging

/// Ends the process when the time is up, whatever is still under way.
///
/// Every wait has a bound of its own, and the process ends in order long before. This is for a fault in that: an operator who
/// stops a process can rely on its end.
enum ForcedExit {
    /// How long a stop at once may take.
    static let letGoTime: Duration = .seconds(1)

    /// Ends a process that only shows something, as if it had ended by itself.
    static func endQuietly(after time: Duration) {
        startThread(name: "forced-exit") {
            let end = ContinuousClock.now + time
            while ContinuousClock.now < end { usleep(50_000) }
            _exit(ExitStatus.success.rawValue)
        }
    }

    /// - Parameter time: from now on.
    static func end(after time: Duration, logger: Logger) {
        startThread(name: "forced-exit") {
            let end = ContinuousClock.now + time
            while ContinuousClock.now < end { usleep(50_000) }
            logger.warning("ending although something is still under way; the next start goes on from the checkpoint")
            // For the log's own thread.
            usleep(100_000)
            _exit(ExitStatus.stoppedAtOnce.rawValue)
        }
    }
}
