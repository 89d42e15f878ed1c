/// What may wake the consumers.
enum WakeupCause: String, Sendable, CaseIterable {
    /// A notification of the database.
    case notification
    /// A look at the latest position.
    case poll
    /// Nothing came for long; something may have been missed.
    case fallback
    /// A connection that listens was lost or made.
    case connection
    /// Whoever embeds the consumers.
    case application
}
