/// A thread of its own for a loop that blocks in C, such as serving librdkafka's event queue.
///
/// The body decides when it ends; the caller that stops it wakes it by the C library's own means and then joins.
package final class PumpThread: Sendable {
    private let ended = Latch()

    /// Starts the thread. The first 15 bytes of `name` show in `ps -L` and `perf`.
    package init(name: String, body: @escaping @Sendable () -> Void) {
        startThread(name: name) { [ended] in
            body()
            ended.open()
        }
    }

    /// Blocks the calling thread until the body has returned.
    package func join() { ended.wait() }
}
