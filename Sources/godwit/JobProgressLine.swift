import Appliance
import KafkaBridge
import Synchronization

/// A job's progress on standard error: a bar at a terminal, elsewhere a line every ten seconds.
final class JobProgressLine: Sendable {
    private let line = ProgressLine()
    private let isTerminal = StandardStream.error.isTerminal
    private let lastTold = Mutex(ContinuousClock.now)

    func show(_ progress: JobProgress) {
        if isTerminal { return line.show(ProgressText.bar(progress)) }
        let isDue = lastTold.withLock { last in
            guard ContinuousClock.now - last >= .seconds(10) else { return false }
            last = .now
            return true
        }
        if isDue { line.tell(ProgressText.line(progress)) }
    }

    func end() { line.end() }
}
