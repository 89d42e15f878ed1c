import CLibPQ
import Glibc

/// An `eventfd`: wakes a thread that blocks in `poll`, from any thread.
///
/// Source: eventfd(2).
final class EventDescriptor: Sendable {
    let descriptor: Int32

    /// - Throws: `connectionFailed` if the process has no descriptor left.
    init() throws(PostgresError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else {
            throw PostgresError(
                .connectionFailed, "no descriptor for a connection: \(systemText(errno)); raise the limit (ulimit -n)")
        }
    }

    deinit {
        close(descriptor)
    }

    func signal() {
        var one: UInt64 = 1
        // Can fail only when the counter is full, and then the descriptor is signalled already.
        _ = unsafe write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    func drain() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
