import Synchronization

/// The sources of a process that relay, or wait to, so that one that cannot go on ends no other.
final class RelayPeers: Sendable {
    private let working: Mutex<Int>

    init(_ count: Int) { working = Mutex(count) }

    /// Notes that a source cannot go on.
    ///
    /// - Returns: whether others can.
    func fail() -> Bool {
        working.withLock { working in
            working -= 1
            return working > 0
        }
    }

    /// Notes that a source can go on again.
    func recover() { working.withLock { $0 += 1 } }
}
