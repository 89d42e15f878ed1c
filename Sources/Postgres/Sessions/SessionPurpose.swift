/// What a process's session at PostgreSQL is for.
package enum SessionPurpose: String, Sendable, CaseIterable {
    /// Heartbeats, claims and checkpoints.
    case control
    /// Looks at the end of the log, and reads it.
    case reader
    /// Reads what is behind.
    case lane
    /// Waits for notifications.
    case listener
    /// Transactions of handlers.
    case pool
    /// What is asked over the admin port.
    case status
    /// Audits what was delivered, and waits for the horizon meanwhile.
    case audit
    /// Removes what is delivered, by retention.
    case retention
    /// A job's lease, its reads, and whatever a command asks.
    case other
}
