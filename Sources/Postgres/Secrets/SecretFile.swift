import Glibc

/// A small file that holds one secret, read anew whenever the secret is needed.
struct SecretFile: Sendable {
    let path: String
    /// What the file holds, for messages: `password`.
    let what: String

    /// More than any password, token or connection string.
    private static let largest = 64 * 1024

    /// The content without a byte order mark at its front and the line break at its end.
    ///
    /// - Throws: `secretUnavailable` if the file cannot be read, is empty, too large or no text. A program that replaces
    ///   the file in place leaves it empty or missing for a moment.
    func read() throws(PostgresError) -> String {
        // A pipe without a writer must not block.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unavailable("cannot be read: \(systemText(errno))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= Self.largest {
            let count = unsafe Glibc.read(descriptor, &part, part.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw unavailable("cannot be read: \(systemText(errno))")
            }
            if count == 0 { break }
            bytes += part[..<count]
        }
        guard bytes.count <= Self.largest else { throw unavailable("is larger than 64 KiB") }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        if bytes.isEmpty { throw unavailable("is empty") }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
            throw unavailable("is not UTF-8 text")
        }
        return text
    }

    /// The content of a file that holds one line: a server would refuse more without saying why.
    func readLine() throws(PostgresError) -> String {
        let text = try read()
        if text.utf8.contains(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            throw unavailable("holds more than one line")
        }
        return text
    }

    private func unavailable(_ reason: String) -> PostgresError {
        PostgresError(.secretUnavailable, "the \(what) file \(path) \(reason)")
    }
}

/// The system's words for an error number.
func systemText(_ number: Int32) -> String {
    unsafe String(cString: strerror(number))
}
