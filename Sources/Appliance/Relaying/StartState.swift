import Synchronization

/// What a process that starts waits for, as `/readyz` shows it.
final class StartState: Sendable {
    private let state = Mutex<String?>("starting: looks at the database")
    private let ended = Mutex<String?>(nil)

    /// Why nothing is relayed of a source, while others are; `nil` where nothing keeps it.
    var failure: String? {
        get { ended.withLock { $0 } }
        set { ended.withLock { $0 = newValue } }
    }

    /// `nil` once it waits for nothing any more.
    var waitsFor: String? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
