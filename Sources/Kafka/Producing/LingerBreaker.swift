internal import DedicatedThread

/// Has librdkafka send at once what would linger.
///
/// `linger.ms` is fixed for the life of a client, but nothing lingers while it is flushed. The call blocks
/// until nothing is under way, so a thread of its own makes it, for no longer than records linger: what was handed over
/// before has then waited long enough by itself.
///
/// `@unchecked Sendable`: `isAsked`, `isEnding` and `isSending` are read and written only inside `condition.withLock`.
final class LingerBreaker: @unchecked Sendable {
    private let condition = ThreadCondition()
    private var isAsked = false
    private var isEnding = false
    private var isSending = false
    private let client: any ProducingClient
    private let linger: Duration
    private var thread: PumpThread?

    /// - Parameter linger: the client's `linger.ms`.
    init(_ client: any ProducingClient, linger: Duration) {
        self.client = client
        self.linger = linger
        thread = PumpThread(name: "kafka-linger") { [self] in serve() }
    }

    /// Has everything that was handed over sent. Does not wait.
    func sendAtOnce() {
        condition.withLock { isAsked = true }
        condition.signal()
    }

    /// Whether records linger: nobody has asked to have some sent that are not acknowledged yet.
    var isAtRest: Bool { condition.withLock { !isAsked && !isSending } }

    /// Ends the thread and waits for that; before the client is destroyed. Blocks.
    func end() {
        condition.withLock { isEnding = true }
        condition.signal()
        thread?.join()
    }

    private func serve() {
        while true {
            let isEnding = condition.withLock {
                isSending = false
                while !isAsked, !self.isEnding { condition.wait() }
                isAsked = false
                isSending = true
                return self.isEnding
            }
            if isEnding { return }
            _ = client.flush(within: linger)
        }
    }
}
