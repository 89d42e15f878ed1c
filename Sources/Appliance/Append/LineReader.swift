import DedicatedThread
import Glibc

/// Reads lines from a descriptor that may block: a terminal, a pipe, a file.
package actor LineReader {
    private nonisolated let executor = DedicatedThread(name: "line-reader")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var searched = 0
    private var atEnd = false
    /// Longer than any payload PostgreSQL and Kafka could carry; bounds what a file without line ends takes.
    private static let maximumLength = 256 << 20

    /// Standard input.
    package init() { descriptor = STDIN_FILENO }

    package init(path: String) throws(Failure) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(.input, "\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    /// Up to so many lines without their ends; empty at the end of the input.
    package func lines(atMost limit: Int) throws(Failure) -> [String] {
        var lines: [String] = []
        while lines.count < limit, let line = try nextLine() { lines.append(line) }
        return lines
    }

    private func nextLine() throws(Failure) -> String? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer {
                    buffer.removeSubrange(...end)
                    searched = 0
                }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            searched = buffer.count
            if atEnd {
                guard !buffer.isEmpty else { return nil }
                defer {
                    buffer = []
                    searched = 0
                }
                return String(decoding: buffer, as: UTF8.self)
            }
            guard buffer.count < Self.maximumLength else { throw Failure(.input, "a line is longer than 256 MiB") }
            try fill()
        }
    }

    private func fill() throws(Failure) {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
            guard errno != EINTR else { return }
            throw Failure(.input, "the input cannot be read: \(String(cString: strerror(errno)))")
        }
        if count == 0 { atEnd = true } else { buffer.append(contentsOf: chunk[..<count]) }
    }
}
