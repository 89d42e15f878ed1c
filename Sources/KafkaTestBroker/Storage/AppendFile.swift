import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that grows at its end, and that a failed write leaves as it was.
final class AppendFile {
    let path: String
    private let descriptor: Int32
    private(set) var size: Int64
    private(set) var isDirty = false

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw StorageError("open", path, errno: errno) }
        size = Int64(lseek(descriptor, 0, SEEK_END))
    }

    deinit { close(descriptor) }

    func append(_ bytes: ByteBuffer) throws {
        try bytes.withUnsafeReadableBytes { pointer in
            var written = 0
            while written < pointer.count {
                let count = pwrite(
                    descriptor, pointer.baseAddress.map { $0 + written }, pointer.count - written,
                    off_t(size) + off_t(written))
                if count < 0 {
                    let code = errno
                    if code == EINTR { continue }
                    _ = ftruncate(descriptor, off_t(size))
                    throw StorageError("write", path, errno: code)
                }
                written += count
            }
        }
        size += Int64(bytes.readableBytes)
        isDirty = true
    }

    /// Reads up to `count` bytes at `offset`.
    func read(at offset: Int64, count: Int) throws -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { pointer in
            var total = 0
            while total < count {
                let got = pread(
                    descriptor, pointer.baseAddress.map { $0 + total }, count - total, off_t(offset) + off_t(total))
                if got < 0 {
                    if errno == EINTR { continue }
                    throw StorageError("read", path, errno: errno)
                }
                if got == 0 { break }
                total += got
            }
            return total
        }
        return buffer
    }

    func truncate(to size: Int64) throws {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw StorageError("truncate", path, errno: errno) }
        self.size = size
    }

    /// Forces what was written to the disk.
    func sync() throws {
        guard isDirty else { return }
        guard fdatasync(descriptor) == 0 else { throw StorageError("sync", path, errno: errno) }
        isDirty = false
    }

    /// Takes the file for this process alone, or throws if another has it.
    ///
    /// A broker that has just ended may seem to have it still: a process that its own was starting meanwhile has its files until it
    /// runs a program of its own. So it is tried for a while.
    func lock() throws {
        for attempt in 0...Self.lockAttempts {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
            if attempt < Self.lockAttempts { usleep(20_000) }
        }
        throw StorageError("the data directory is in use by another broker (\(path))")
    }

    /// 20 ms apart.
    private static let lockAttempts = 50
}

/// Why a file could not be read or written.
struct StorageError: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, _ path: String, errno code: Int32) {
        description = "cannot \(what) \(path): \(String(cString: strerror(code)))"
    }

    init(_ description: String) { self.description = description }
}
