import Glibc

/// Finds a TCP port of 127.0.0.1 that nobody listens on at this moment.
package enum LoopbackPort {
    package static func free() throws(LocalPostgresError) -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw failure() }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func failure() -> LocalPostgresError {
        LocalPostgresError(.failed, "no free port on 127.0.0.1: \(String(cString: strerror(errno)))")
    }
}
