import CLibPQ

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
