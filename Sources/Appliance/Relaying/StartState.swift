import Synchronization

/// What a process that starts waits for, as `/readyz` tells it.
final class StartState: Sendable {
    private let state = Mutex<String?>("starting: looks at the database")

    /// `nil` once it waits for nothing any more.
    var waitsFor: String? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
