import Glibc

/// Standard output or standard error, written without a buffer, so that a line is there at once, also in a pipe.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// Whether a person sees it.
    package var isTerminal: Bool { isatty(rawValue) != 0 }

    /// Writes the text in one piece where the system allows, so that lines of several threads do not mix.
    package func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(rawValue, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
        }
    }
}
