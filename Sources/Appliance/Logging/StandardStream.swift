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
        case .error: ProgressArea.shared.write(text)
        }
    }

    /// Writes the text to standard output, and waits for the reader.
    ///
    /// - Returns: whether all of it was written: `false` where the reader has gone.
    package static func writeOutput(_ text: String) -> Bool { LineQueue.write(text, to: Self.output.rawValue) }

    /// Whether the output can still be written: the reader of a pipe may have closed it.
    package var hasReader: Bool {
        var poll = pollfd(fd: rawValue, events: 0, revents: 0)
        guard Glibc.poll(&poll, 1, 0) > 0 else { return true }
        return Int32(poll.revents) & (POLLERR | POLLNVAL) == 0
    }

    /// Has a reader that goes away make writes fail, instead of ending the process.
    package static func survivesClosedReaders() {
        signal(SIGPIPE, SIG_IGN)
    }
}
