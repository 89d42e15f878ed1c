internal import Glibc

/// A TCP connection whose waits end with a deadline or when the client does. Blocks.
final class ClientSocket {
    let descriptor: Int32
    private let deadline: ContinuousClock.Instant
    private let isEnding: () -> Bool

    init(
        _ host: String, _ port: UInt16, until deadline: ContinuousClock.Instant, isEnding: @escaping () -> Bool
    ) throws(TokenFailure) {
        self.deadline = deadline
        self.isEnding = isEnding
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &list) == 0 else {
            throw TokenFailure("cannot be asked: the name \(host) is not known")
        }
        defer { unsafe freeaddrinfo(list) }
        var reason = "no address"
        var next = unsafe list
        while let address = unsafe next {
            let flags = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
            let descriptor = unsafe socket(address.pointee.ai_family, Int32(flags), 0)
            if descriptor >= 0 {
                let status = unsafe connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen)
                if status == 0 || errno == EINPROGRESS {
                    do throws(TokenFailure) {
                        try Self.wait(descriptor, POLLOUT, deadline, isEnding)
                        guard let failure = Self.failure(descriptor) else {
                            self.descriptor = descriptor
                            return
                        }
                        reason = failure
                    } catch {
                        reason = error.description
                    }
                } else {
                    reason = unsafe String(cString: strerror(errno))
                }
                Glibc.close(descriptor)
            }
            unsafe next = unsafe address.pointee.ai_next
        }
        throw TokenFailure("cannot be reached: \(reason)")
    }

    deinit { Glibc.close(descriptor) }

    private static func failure(_ descriptor: Int32) -> String? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        return code == 0 ? nil : unsafe String(cString: strerror(code))
    }

    /// Waits until the socket can be read from or written to.
    func wait(_ events: Int32) throws(TokenFailure) {
        try Self.wait(descriptor, events, deadline, isEnding)
    }

    private static func wait(
        _ descriptor: Int32, _ events: Int32, _ deadline: ContinuousClock.Instant, _ isEnding: () -> Bool
    ) throws(TokenFailure) {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            // Short, because nothing wakes it when the client ends.
            if unsafe poll(&entry, 1, 100) > 0 { return }
            if isEnding() { throw TokenFailure("was not waited for: the client ends") }
            if deadline <= .now { throw TokenFailure("does not answer in time") }
        }
    }
}
