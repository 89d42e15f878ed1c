import DedicatedThread
import Glibc
import Logging

/// Ends the process when the time is up, whatever is still under way.
///
/// Everything that is waited for has a bound of its own, and the process ends in order long before. This is for what
/// nobody has thought of: an operator who says stop, and stop at once, is obeyed.
enum LastResort {
    /// How long what has to let go at once may take.
    static let letGoTime: Duration = .seconds(1)

    /// - Parameter time: from now on.
    static func end(after time: Duration, logger: Logger) {
        startThread(name: "last-resort") {
            let end = ContinuousClock.now + time
            while ContinuousClock.now < end { usleep(50_000) }
            logger.warning("ending although something is still under way; the next start goes on from the checkpoint")
            // For the log's own thread.
            usleep(100_000)
            _exit(ExitStatus.stoppedAtOnce.rawValue)
        }
    }
}
