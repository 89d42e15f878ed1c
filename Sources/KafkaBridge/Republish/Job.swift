package import EventSourcing
package import FoundationEssentials

/// A job as the table holds it.
package struct Job: Sendable, Equatable {
    package let name: String
    package let definition: JobDefinition
    /// The last position of the range, fixed when the job was made. Everything up to it was settled then.
    package let through: Int64
    /// Events in a second at most.
    package let rate: Double?
    package let state: JobLife.State
    /// Everything selected up to here was published and acknowledged.
    package let checkpoint: Int64
    /// How many events that is.
    package let published: Int64
    /// Why it failed, if it did.
    package let error: String?
    /// Who runs it, or was the last to run it.
    package let owner: String?
    /// Counts who took it.
    package let epoch: Int64
    /// Whether a process runs it now.
    package let isHeld: Bool
    package let createdAt: Date
    package let startedAt: Date?
    package let updatedAt: Date
    package let finishedAt: Date?

    /// What is done with the events.
    package let kind: String
    /// What is wanted of it, apart from its state.
    package let wish: JobLife.Wish
    /// The table of events that it reads; `nil` where the version before has made it.
    package let eventsTable: String?
    /// Whether it gives way to the live flow of the process that runs it.
    package let isCourteous: Bool
    /// How often it has failed in a row by what passes by itself.
    package let attempts: Int
    /// When it is tried again.
    package let retryAt: Date?
    /// Events in a second, of the run that is under way or was the last.
    package let eventsPerSecond: Double?
    package let secondsLeft: Double?
    /// What the run waits for; empty while it waits for nothing.
    package let note: String
    /// Who made it; empty where that is not known.
    package let createdBy: String

    package var life: JobLife { JobLife(state, wish: wish, isHeld: isHeld) }

    /// The state in one word, which distinguishes a job that is running from one whose process has died.
    package var word: String { life.word }

    /// 0 to 1, by positions.
    package var fraction: Double {
        let after = definition.after
        return through <= after ? 1 : min(1, max(0, Double(checkpoint - after) / Double(through - after)))
    }

    /// The events that are meant, with its list where it has one.
    package func selection(in tables: TableNames) -> EventSelection {
        var selection = definition.selection(in: tables)
        if definition.isListed { selection.list = JobEventsTable(tables).list(of: name) }
        return selection
    }
}
