import Synchronization

/// The line at the end of a terminal that a command rewrites as it goes on. What else is written to standard error comes above it.
package final class ProgressArea: Sendable {
    package static let shared = ProgressArea { LineQueue.standardError.write($0) }

    /// Empty where no line is open.
    private let line = Mutex("")
    private let output: @Sendable (String) -> Void

    static let clearLine = "\r\u{1b}[K"

    /// - Parameter output: never waits.
    init(output: @escaping @Sendable (String) -> Void) { self.output = output }

    /// Shows a text in the place of the one before, cut to the terminal's width.
    package func show(_ text: String, width: Int?) {
        let text = width.map { text.count < $0 ? text : String(text.prefix(max(0, $0 - 2))) + "…" } ?? text
        line.withLock { line in
            line = text
            output(Self.clearLine + text)
        }
    }

    /// Leaves the line as it is, and begins a new one.
    package func end() {
        line.withLock { line in
            if !line.isEmpty { output("\n") }
            line = ""
        }
    }

    /// Writes whole lines.
    func write(_ text: String) {
        line.withLock { line in
            output(line.isEmpty ? text : Self.clearLine + text + line)
        }
    }
}
