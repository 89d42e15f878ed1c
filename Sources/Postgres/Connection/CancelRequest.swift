import CLibPQ
import DedicatedThread

/// What libpq needs to cancel a statement from another thread.
///
/// `@unchecked Sendable`: `PQcancel` may be called from any thread; only the canceller's does so.
@safe final class CancelRequest: @unchecked Sendable {
    private let raw: OpaquePointer

    init(taking raw: OpaquePointer) {
        unsafe self.raw = unsafe raw
    }

    deinit {
        unsafe PQfreeCancel(raw)
    }

    /// Asks the server to cancel what the connection is doing; blocks for a connection of its own.
    func send() {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            // The answer says only that the request was sent; the statement itself reports what became of it.
            _ = unsafe PQcancel(raw, buffer.baseAddress, Int32(buffer.count))
        }
    }
}

/// Keeps a cancellation from hitting the next statement: a request is sent only while its statement runs, and the
/// statement does not return before the request is through.
///
/// `@unchecked Sendable`: `state` is read and written under the condition only.
final class StatementCancellation: @unchecked Sendable {
    private enum State {
        case idle
        case running(UInt64)
        case cancelling(UInt64)
    }

    private let condition = ThreadCondition()
    private var state = State.idle
    private var request: CancelRequest?

    /// Called on the connection's thread, when it has connected.
    func arm(_ request: CancelRequest?) {
        condition.withLock { self.request = request }
    }

    /// Called on the connection's thread, before the statement.
    func begin(_ id: UInt64) {
        condition.withLock { state = .running(id) }
    }

    /// Called on the connection's thread, after the statement; blocks while a request is under way.
    func end() {
        condition.withLock {
            while case .cancelling = state { condition.wait() }
            state = .idle
        }
    }

    /// Cancels the statement if it still runs. Does not block.
    func cancel(_ id: UInt64) {
        let running: CancelRequest? = condition.withLock {
            guard case .running(id) = state, let request else { return nil }
            state = .cancelling(id)
            return request
        }
        guard let running else { return }
        startThread(name: "pg-cancel") {
            running.send()
            self.condition.withLock { self.state = .idle }
            self.condition.signal()
        }
    }
}
