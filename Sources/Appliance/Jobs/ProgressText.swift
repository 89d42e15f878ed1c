package import KafkaBridge

/// How far a job has come, as a line.
package enum ProgressText {
    /// For a terminal: a bar in front.
    package static func bar(_ progress: JobProgress, width: Int = 24) -> String {
        let full = Int(progress.fraction * Double(width))
        return "[" + String(repeating: "#", count: full) + String(repeating: "-", count: width - full) + "] "
            + line(progress)
    }

    package static func line(_ progress: JobProgress) -> String {
        var text = "\(Int(progress.fraction * 100)) %, \(progress.published) events published"
        if progress.publishedNow > 0 { text += ", \(rate(progress.rate))/s" }
        if progress.checkpoint < progress.through {
            text += progress.remaining.map { ", \(time($0)) left" } ?? ""
        }
        return text
    }

    /// Of a comparison: the part that is done, 0 to 1, and the time left at the pace so far.
    package static func line(_ done: Double, since start: ContinuousClock.Instant) -> String {
        let text = "\(Int(done * 100)) % compared"
        let elapsed = ContinuousClock.now - start
        guard (0.01..<1).contains(done), elapsed > .seconds(2) else { return text }
        return text + ", \(time(elapsed * (1 / done - 1))) left"
    }

    static func rate(_ rate: Double) -> String {
        rate < 10 ? "\((rate * 10).rounded() / 10)" : "\(Int(rate.rounded()))"
    }

    /// `1:02:03`, `2:03` or `3 s`.
    static func time(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3_600 { return "\(seconds / 60):\(two(seconds % 60))" }
        return "\(seconds / 3_600):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    }
}
