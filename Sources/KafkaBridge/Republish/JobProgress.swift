/// How far a run of a job has come, and when it will probably end. A pure value.
package struct JobProgress: Sendable, Equatable {
    package let after: Int64
    package let through: Int64
    /// Where this run began.
    package let began: Int64
    package let checkpoint: Int64
    /// Over all runs.
    package let published: Int64
    /// In this run.
    package let publishedNow: Int64
    /// Of this run.
    package let elapsed: Duration
    /// What the run waits for; empty while it waits for nothing.
    package let note: String

    package init(
        after: Int64, through: Int64, began: Int64, checkpoint: Int64, published: Int64, publishedNow: Int64,
        elapsed: Duration, note: String = ""
    ) {
        self.after = after
        self.through = through
        self.began = began
        self.checkpoint = checkpoint
        self.published = published
        self.publishedNow = publishedNow
        self.elapsed = elapsed
        self.note = note
    }

    /// As the table records them.
    package var figures: JobFigures {
        JobFigures(
            checkpoint: checkpoint, published: published, eventsPerSecond: rate,
            secondsLeft: remaining.map { $0 / .seconds(1) }, note: note)
    }

    /// 0 to 1, by positions.
    package var fraction: Double {
        through <= after ? 1 : min(1, max(0, Double(checkpoint - after) / Double(through - after)))
    }

    /// Events in a second, in this run.
    package var rate: Double {
        let seconds = elapsed / .seconds(1)
        return seconds > 0 ? Double(publishedNow) / seconds : 0
    }

    /// How much longer it takes if it goes on as in this run; `nil` while nothing can be said.
    package var remaining: Duration? {
        if checkpoint >= through { return .zero }
        guard checkpoint > began, elapsed > .zero else { return nil }
        return elapsed * (Double(through - checkpoint) / Double(checkpoint - began))
    }
}
