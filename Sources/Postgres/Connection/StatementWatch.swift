import DedicatedThread

/// What other threads may do while a connection waits for its server: cancel the statement, or give the connection up.
///
/// A request to cancel is sent only while its statement runs, and the statement does not return before the request is
/// through, so that it never meets the next one. Neither is waited for longer than ``patience``; then the connection is
/// given up.
///
/// `@unchecked Sendable`: all variables are read and written under the condition only.
final class StatementWatch: @unchecked Sendable {
    /// How long a cancelled statement may take to end, and the request for it to get through.
    static let patience: Duration = .seconds(2)

    /// Signalled when the thread that waits for the server is to look around.
    let wakeup: EventDescriptor
    private let condition = ThreadCondition()
    private var request: CancelRequest?
    private var statement: UInt64?
    private var cancelled: ContinuousClock.Instant?
    private var isRequestUnderWay = false
    /// Since when the server that is waited for says nothing.
    private var silent: ContinuousClock.Instant?
    /// Whether silence is the rule: notifications are waited for.
    private var isListening = false
    /// Whether the connection is there to listen, also while it does something else.
    private var isListener = false
    private let opened = ContinuousClock.now
    /// The server's process.
    private var process: Int32 = 0
    private var isGivenUp = false
    private var onGiveUp: (@Sendable () -> Void)?
    /// How long the server may be silent once, before it has given a sign of life again.
    private var suspicion: Duration?

    init() throws(PostgresError) {
        wakeup = try EventDescriptor()
    }

    /// Called on the connection's thread, when it has connected.
    func arm(_ request: CancelRequest?, process: Int32) {
        condition.withLock { (self.request, self.process) = (request, process) }
    }

    /// Called on the connection's thread, before the statement.
    func begin(_ id: UInt64) {
        condition.withLock { statement = id }
    }

    /// Called on the connection's thread, after the statement; blocks while a request is under way.
    ///
    /// - Returns: false if the request might still meet the next statement: nothing more may be asked of the connection.
    func end() -> Bool {
        condition.withLock {
            statement = nil
            while isRequestUnderWay {
                let limit = (cancelled ?? .now) + Self.patience
                if !condition.wait(until: limit), isRequestUnderWay { return false }
            }
            cancelled = nil
            return true
        }
    }

    /// Cancels the statement if it still runs. Does not block.
    func cancel(_ id: UInt64) {
        let sent: CancelRequest? = condition.withLock {
            guard statement == id, cancelled == nil else { return nil }
            cancelled = .now
            isRequestUnderWay = request != nil
            return request
        }
        wakeup.signal()
        guard let sent else { return }
        startThread(name: "pg-cancel") {
            // Ends by itself at last, when the kernel gives the address up.
            sent.send()
            self.condition.withLock { self.isRequestUnderWay = false }
            self.condition.signal()
        }
    }

    /// Bounds the wait for a statement that must not be cancelled, such as a COMMIT, because its task is; if it still runs.
    /// Does not block.
    func bound(_ id: UInt64) {
        condition.withLock { if statement == id { cancelled = cancelled ?? .now } }
        wakeup.signal()
    }

    // MARK: Waits

    /// Called on the connection's thread, when it begins to wait for the server.
    func beginWaiting(_ now: ContinuousClock.Instant, isListening: Bool = false) {
        condition.withLock { (silent, self.isListening) = (now, isListening) }
    }

    /// The connection is there to listen.
    func markListener() {
        condition.withLock { isListener = true }
    }

    /// The server's process, if it has been silent for so long about something that it was asked.
    func process(silentFor limit: Duration) -> Int32? {
        condition.withLock {
            guard let silent, !isListening, ContinuousClock.now - silent >= limit else { return nil }
            return process
        }
    }

    /// Called on the connection's thread, when it need not wait any more.
    func endWaiting() {
        condition.withLock { silent = nil }
    }

    /// Called on the connection's thread: something came from the server.
    func heard() {
        condition.withLock { suspicion = nil }
    }

    func observeGivingUp(_ body: (@Sendable () -> Void)?) {
        condition.withLock { onGiveUp = body }
    }

    /// Called on the connection's thread, when it has ended the connection.
    func gaveUp() {
        condition.withLock { onGiveUp }?()
    }

    /// What bounds a wait for the server.
    struct Limit {
        /// When a cancelled statement is no longer waited for.
        var cancelled: ContinuousClock.Instant?
        /// How long the server may be silent, if that is less than else.
        var silence: Duration?
        var isGivenUp: Bool
    }

    var limit: Limit {
        condition.withLock {
            Limit(cancelled: cancelled.map { $0 + Self.patience }, silence: suspicion, isGivenUp: isGivenUp)
        }
    }

    /// Has the connection given up if it is there to listen and was opened before: its silence does not show whether it is
    /// still one.
    ///
    /// - Returns: whether it is given up.
    func giveUpListener(openedBefore limit: ContinuousClock.Instant) -> Bool {
        let isDoubtful = condition.withLock {
            guard isListener, opened < limit, !isGivenUp else { return false }
            isGivenUp = true
            return true
        }
        if isDoubtful { wakeup.signal() }
        return isDoubtful
    }

    /// Has the connection given up if it has waited for so long without a word from the server. One that waits for nothing
    /// now, or not yet for so long, is given up if its next answer takes as long.
    ///
    /// - Returns: whether it is given up.
    func giveUp(silentFor limit: Duration) -> Bool {
        let isLate = condition.withLock {
            suspicion = limit
            guard let silent, ContinuousClock.now - silent >= limit else { return false }
            isGivenUp = true
            return true
        }
        wakeup.signal()
        return isLate
    }
}
