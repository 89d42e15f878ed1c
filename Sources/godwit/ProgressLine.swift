import Appliance
import Synchronization

/// Progress on standard error: one line rewritten at a terminal, a line now and then elsewhere.
final class ProgressLine: Sendable {
    private struct State {
        var lastShown: ContinuousClock.Instant?
        var lastText = ""
    }

    private let state = Mutex(State())
    let isTerminal = StandardStream.error.isTerminal
    private let terminal = Terminal.of(.error)

    /// A step, which stays.
    func tell(_ text: String) {
        end()
        standardError(text)
    }

    /// A count, which is overwritten by the next; elsewhere than at a terminal one a second is enough.
    func show(_ text: String, isLast: Bool = false) {
        state.withLock { state in
            guard text != state.lastText else { return }
            if isTerminal {
                ProgressArea.shared.show(text, width: terminal.width)
            } else {
                let now = ContinuousClock.now
                if !isLast, let last = state.lastShown, now - last < .seconds(1) { return }
                state.lastShown = now
                standardError(text)
            }
            state.lastText = text
        }
    }

    /// Ends the line that is being rewritten.
    func end() { ProgressArea.shared.end() }
}
