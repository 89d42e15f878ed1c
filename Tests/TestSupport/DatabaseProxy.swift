import FoundationEssentials
import Glibc
import Synchronization

/// A TCP proxy before a server, whose network can be cut.
///
/// Each direction of a connection is a blocking thread; a test has a handful of them.
package final class DatabaseProxy: Sendable {
    package let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let state = Mutex(State())

    private struct State {
        var links: [Link] = []
        /// Sockets that hear nothing any more.
        var silent: [Int32] = []
        var isCut = false
        var isClosed = false
    }

    private struct Link {
        let client: Int32
        let server: Int32
        /// Nothing passes any more, and neither end of the client's side is told.
        let isSilent = SilenceFlag()
    }

    private final class SilenceFlag: Sendable {
        private let flag = Atomic(false)
        var isSet: Bool { flag.load(ordering: .acquiring) }
        func set() { flag.store(true, ordering: .releasing) }
    }

    /// - Parameter target: a port of 127.0.0.1.
    package init(to target: UInt16) throws {
        let listener = try Self.makeSocket()
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                unsafe bind(listener, plain, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, plain, &length) == 0
            }
        }
        guard isListening else { throw ProxyError(code: errno) }
        self.listener = listener
        self.target = target
        port = UInt16(bigEndian: address.sin_port)
        Thread.detach { [self] in accept() }
    }

    /// The URL of the same database behind the proxy.
    package static func before(_ url: String) throws -> (proxy: DatabaseProxy, url: String) {
        guard let range = url.firstRange(of: "127.0.0.1:"),
            let port = UInt16(url[range.upperBound...].prefix { $0.isNumber })
        else { throw ProxyError(code: EINVAL) }
        let proxy = try DatabaseProxy(to: port)
        return (proxy, url.replacing("127.0.0.1:\(port)", with: "127.0.0.1:\(proxy.port)"))
    }

    /// Cuts all connections, and new ones: the clients hear nothing at all, not even an end.
    ///
    /// - Parameter isNoticed: whether the server sees its ends closed at once, or hears nothing either.
    package func cut(isNoticed: Bool) {
        let links = state.withLock { state in
            state.isCut = true
            defer { state.links = [] }
            state.silent += state.links.flatMap { [$0.client, $0.server] }
            return state.links
        }
        for link in links {
            link.isSilent.set()
            if isNoticed { shutdown(link.server, Int32(SHUT_RDWR)) }
        }
    }

    /// Lets new connections through again.
    package func heal() {
        state.withLock { $0.isCut = false }
    }

    /// Ends everything.
    package func close() {
        let sockets = state.withLock { state in
            state.isClosed = true
            return state.silent + state.links.flatMap { [$0.client, $0.server] }
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    // MARK: Threads

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0, !state.withLock({ $0.isClosed }) else { return }
            // A cut network accepts nothing, but a listening socket does: what is asked of it is not answered.
            let isCut = state.withLock { state in
                if state.isCut { state.silent.append(client) }
                return state.isCut
            }
            if isCut { continue }
            guard let server = try? Self.connect(target) else {
                _ = Glibc.close(client)
                continue
            }
            let link = Link(client: client, server: server)
            state.withLock { $0.links.append(link) }
            Thread.detach { Self.pump(client, server, link) }
            Thread.detach { Self.pump(server, client, link) }
        }
    }

    private static func pump(_ source: Int32, _ target: Int32, _ link: Link) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe recv(source, &buffer, buffer.count, 0)
            // Its sockets stay open.
            if link.isSilent.isSet { return }
            guard count > 0 else { break }
            var sent = 0
            while sent < count {
                let written = unsafe buffer.withUnsafeBytes { bytes in
                    unsafe send(target, bytes.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { break }
                sent += written
            }
        }
        shutdown(target, Int32(SHUT_RDWR))
        shutdown(source, Int32(SHUT_RDWR))
    }

    // MARK: Sockets

    private static func makeSocket() throws -> Int32 {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw ProxyError(code: errno) }
        return socket
    }

    private static func connect(_ port: UInt16) throws -> Int32 {
        let socket = try makeSocket()
        var address = loopback(port)
        let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                unsafe Glibc.connect(socket, plain, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            _ = Glibc.close(socket)
            throw ProxyError(code: errno)
        }
        return socket
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

/// A socket could not be made.
package struct ProxyError: Error {
    let code: Int32
}

/// A thread that nobody waits for.
private enum Thread {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func detach(_ body: @escaping @Sendable () -> Void) {
        let work = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            }, work)
        if code == 0 { pthread_detach(thread) }
    }
}
