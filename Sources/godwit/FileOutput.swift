#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes lines past the buffering of `print`, so that they arrive at once also in a pipe.
enum FileOutput {
    static func standardOutput(_ line: String) { put(line, on: STDOUT_FILENO) }
    static func standardError(_ line: String) { put(line, on: STDERR_FILENO) }

    private static func put(_ line: String, on file: Int32) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(file, bytes, bytes.count)
    }
}
