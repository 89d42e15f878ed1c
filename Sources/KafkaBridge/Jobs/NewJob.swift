/// A job that is to be made.
package struct NewJob: Sendable, Hashable {
    package var name: String
    package var definition: JobDefinition
    /// Events in a second at most.
    package var rate: Double?
    /// Whether relays are to run it; else a command does, when it is told to.
    package var isQueued = false
    /// Whether it gives way to the live flow of the process that runs it.
    package var isCourteous = false
    /// Who makes it.
    package var createdBy = ""

    package init(_ name: String, _ definition: JobDefinition) {
        self.name = name
        self.definition = definition
    }
}

/// How far a run has come, as it writes it.
package struct JobFigures: Sendable, Hashable {
    package var checkpoint: Int64
    /// Over all runs.
    package var published: Int64
    package var eventsPerSecond: Double?
    package var secondsLeft: Double?
    /// What the run waits for; empty while it waits for nothing.
    package var note = ""
}
