import Synchronization

/// Connections to one server, to be given up together when one of them shows that it does not answer.
package final class OpenConnections: Sendable {
    private struct Entry {
        weak var watch: StatementWatch?
    }

    private let entries = Mutex<[Entry]>([])
    private let onGiveUp: (@Sendable () -> Void)?

    /// - Parameter onGiveUp: called for each connection that is given up, for whatever reason, on its thread.
    package init(onGiveUp: (@Sendable () -> Void)? = nil) {
        self.onGiveUp = onGiveUp
    }

    func add(_ watch: StatementWatch) {
        watch.observeGivingUp(onGiveUp)
        entries.withLock { entries in
            entries.removeAll { $0.watch == nil }
            entries.append(Entry(watch: watch))
        }
    }

    /// The server's processes of those that wait for an answer and have heard nothing for so long.
    package func processes(silentFor limit: Duration) -> [Int32] {
        entries.withLock { $0.compactMap { $0.watch?.process(silentFor: limit) } }
    }

    /// Gives those up of these processes that still hear nothing: the server is not at work for them.
    package func giveUp(_ processes: [Int32], silentFor limit: Duration) {
        for watch in entries.withLock({ $0.compactMap(\.watch) }) {
            guard let process = watch.process(silentFor: limit), processes.contains(process) else { continue }
            _ = watch.giveUp(silentFor: limit)
        }
    }

    /// Gives those up that wait for the server and have heard nothing for so long; the others if their next answer takes as
    /// long.
    ///
    /// - Returns: how many were given up.
    @discardableResult package func giveUp(silentFor limit: Duration) -> Int {
        let watches = entries.withLock { $0.compactMap(\.watch) }
        return watches.count { $0.giveUp(silentFor: limit) }
    }

    /// Gives those up that listen and were opened before: another connection was lost then, and a listener that was lost
    /// with it would wait in silence, as one that is well does.
    ///
    /// - Returns: how many were given up.
    @discardableResult package func giveUpListeners(openedBefore limit: ContinuousClock.Instant) -> Int {
        let watches = entries.withLock { $0.compactMap(\.watch) }
        return watches.count { $0.giveUpListener(openedBefore: limit) }
    }
}
