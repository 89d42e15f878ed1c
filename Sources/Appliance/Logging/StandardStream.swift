import Glibc

/// Standard output, written at once, also in a pipe; or standard error, written by a thread of its own.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// Whether a person sees it.
    package var isTerminal: Bool { isatty(rawValue) != 0 }

    /// Writes the text. To standard output it may wait for the reader; to standard error it never does, see ``LineQueue``.
    package func write(_ text: String) {
        switch self {
        case .output: LineQueue.write(text, to: rawValue)
        case .error: LineQueue.standardError.write(text)
        }
    }

    /// Has a reader that goes away make writes fail, instead of ending the process.
    package static func survivesClosedReaders() {
        signal(SIGPIPE, SIG_IGN)
    }
}
