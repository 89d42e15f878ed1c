/// What an append stored.
public struct AppendResult: Sendable, Hashable {
    /// The aggregate's version before the append, 0 if it had no events.
    public let fromVersion: Int64
    /// The aggregate's version after the append.
    public let toVersion: Int64
    /// The global positions of the appended events, in their order.
    public let positions: [Int64]
}
