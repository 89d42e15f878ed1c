/// Why a file could not be read or written.
struct StorageError: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, _ path: String, errno code: Int32) {
        description = "cannot \(what) \(path): \(SystemText.error(code))"
    }

    init(_ description: String) { self.description = description }
}
