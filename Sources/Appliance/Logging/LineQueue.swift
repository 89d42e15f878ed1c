import DedicatedThread
import Glibc

/// Text on its way to standard error, written by a thread of its own, so that a reader that is slow, stuck or gone holds
/// nothing else up.
///
/// What is not written yet is bounded. Lines beyond the bound are dropped and counted, and a line says how many as soon as
/// the reader reads on.
///
/// `@unchecked Sendable`: everything that changes is read and written inside `condition.withLock` only.
package final class LineQueue: @unchecked Sendable {
    /// For standard error of this process.
    package static let standardError = LineQueue(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    private let limit: Int
    private let condition = ThreadCondition()
    private var lines: [String] = []
    private var bytes = 0
    private var droppedSinceLine = 0
    private var droppedTotal = 0
    private var isWriting = false
    private var thread: PumpThread?

    /// How long the end of the process waits for what is not written yet.
    static let patience: Duration = .milliseconds(500)

    /// - Parameters:
    ///   - descriptor: of an open file; stays open.
    ///   - limit: the most bytes that wait.
    package init(descriptor: Int32, limit: Int = 1 << 20) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// How many texts were dropped since the start of the process.
    package var dropped: Int { condition.withLock { droppedTotal } }

    /// Has the text written. Never waits.
    package func write(_ text: String) {
        let isFirst = condition.withLock {
            guard bytes + text.utf8.count <= limit else {
                droppedSinceLine += 1
                droppedTotal += 1
                return false
            }
            lines.append(text)
            bytes += text.utf8.count
            guard thread == nil else { return false }
            // Before anything else may end the process.
            if descriptor == STDERR_FILENO { atexit { _ = LineQueue.standardError.flush(within: LineQueue.patience) } }
            thread = PumpThread(name: "log") { [self] in serve() }
            return true
        }
        if !isFirst { condition.signal() }
    }

    /// Waits until everything is written; `false` if the time was over before.
    package func flush(within time: Duration) -> Bool {
        let end = ContinuousClock.now + time
        return condition.withLock {
            while isWriting || !lines.isEmpty {
                if !condition.wait(until: end) { return false }
            }
            return true
        }
    }

    private func serve() {
        while true {
            let text = condition.withLock {
                isWriting = false
                // Also for those that wait in ``flush(within:)``.
                condition.signal()
                while lines.isEmpty { condition.wait() }
                isWriting = true
                var text = lines.joined()
                if droppedSinceLine > 0 {
                    text += "godwit: \(droppedSinceLine) log lines were dropped, because standard error was not read\n"
                    droppedSinceLine = 0
                }
                lines.removeAll(keepingCapacity: true)
                bytes = 0
                return text
            }
            Self.write(text, to: descriptor)
        }
    }

    /// Writes in one piece where the system allows, so that lines of several processes do not mix. Blocks. What cannot be
    /// written, as the reader is gone, is dropped.
    ///
    /// - Returns: whether all of it was written.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                if count < 0, errno == EAGAIN {
                    // Another process has made the shared description non-blocking.
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = Glibc.poll(&poll, 1, -1)
                    continue
                }
                guard count > 0 else { return false }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
            return true
        }
    }
}
