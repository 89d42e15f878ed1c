import Synchronization

/// One blocking C call, made on a short-lived thread instead of the cooperative pool. For rare calls only: a thread
/// start costs about 30 µs.
package enum BlockingCall {
    /// Runs `body` on a thread of its own and returns its result.
    package static func run<Result: Sendable>(
        named name: String, _ body: @escaping @Sendable () -> sending Result
    ) async -> Result {
        await withCheckedContinuation { continuation in
            startThread(name: name) { continuation.resume(returning: body()) }
        }
    }

    /// Runs `body` on a thread of its own, and returns nil when it has not returned in time.
    ///
    /// The call that is late is abandoned, not ended: its thread lives on until the call returns, if ever. The bound
    /// holds also in a cancelled task.
    package static func run<Result: Sendable>(
        named name: String, atMost limit: Duration, _ body: @escaping @Sendable () -> sending Result
    ) async -> Result? {
        await withCheckedContinuation { continuation in
            startThread(name: "\(name)-wd") {
                let box = Box<Result>()
                startThread(name: name) {
                    let result = body()
                    box.value.withLock { $0 = result }
                    box.done.open()
                }
                let inTime = box.done.wait(atMost: limit)
                continuation.resume(returning: inTime ? box.value.withLock { $0 } : nil)
            }
        }
    }

    private final class Box<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
        let done = Latch()
    }
}
