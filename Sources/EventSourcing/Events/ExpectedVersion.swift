/// What an append expects of its aggregate, for optimistic concurrency.
public enum ExpectedVersion: Sendable, Hashable {
    /// Nothing: append behind whatever is there.
    case any
    /// That the aggregate has no events yet.
    case noStream
    /// That the aggregate's last event has this version; 0 is the same as `noStream`.
    case exact(Int64)
}

extension ExpectedVersion: CustomStringConvertible {
    /// For messages.
    public var description: String {
        switch self {
        case .any: "any version"
        case .noStream: "no events"
        case .exact(let version): "version \(version)"
        }
    }
}
