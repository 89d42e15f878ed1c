package import EventSourcing
package import FoundationEssentials

/// A republish job as the table holds it.
package struct Job: Sendable, Equatable {
    package let name: String
    package let definition: JobDefinition
    /// The last position of the range, fixed when the job was made. Everything up to it was settled then.
    package let through: Int64
    /// Events in a second at most.
    package let rate: Double?
    package let state: State
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
    /// Whether somebody runs it now.
    package let isHeld: Bool
    package let createdAt: Date
    package let startedAt: Date?
    package let updatedAt: Date
    package let finishedAt: Date?

    package enum State: String, Sendable, CaseIterable {
        /// Made, never begun.
        case created
        /// Somebody runs it, or was killed while running it.
        case running
        /// Told to stop before its end; goes on when it is run again.
        case stopped
        /// Could not go on; tries again when it is run again.
        case failed
        case done
        /// Ended by a person, for good.
        case cancelled
    }

    /// The state in a person's words, which tells a job that is running from one whose process has died.
    package var standing: String {
        state == .running && !isHeld ? "interrupted" : state.rawValue
    }

    /// The events that are meant, with its list where it has one.
    package func selection(in tables: TableNames) -> EventSelection {
        var selection = definition.selection(in: tables)
        if definition.isListed { selection.list = JobEventsTable(tables).list(of: name) }
        return selection
    }
}
