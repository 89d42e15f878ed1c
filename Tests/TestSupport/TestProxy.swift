import DedicatedThread
import Glibc
import Synchronization

/// A TCP proxy on the loopback that can fall silent: sockets stay open, and nothing passes.
package final class TestProxy: Sendable {
    package enum Mode: Sendable {
        /// Everything passes.
        case open
        /// Nothing passes, and nothing is closed; also not for those who connect meanwhile.
        case silent
        /// As `silent` for those who are connected; new connections pass.
        case silentForOld
        /// As `silent` for those who connect now; connections that exist pass.
        case openForOld
    }

    private struct State {
        var generation = 0
        var mode = Mode.open
        var pairs: [(client: Int32, server: Int32)] = []
        var isClosed = false
    }

    /// Where it listens, on 127.0.0.1.
    package let port: UInt16
    private let target: Mutex<UInt16>
    private let listener: Int32
    private let state = Mutex(State())

    /// - Parameter target: the server's port on 127.0.0.1.
    package init(to target: UInt16) {
        self.target = Mutex(target)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = Self.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                _ = bind(listener, raw, length)
                _ = listen(listener, 64)
                _ = getsockname(listener, raw, &length)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        startThread(name: "proxy-accept") { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let self else { return }
                self.serve(client)
            }
        }
    }

    /// What passes from now on.
    package func set(_ mode: Mode) {
        state.withLock {
            $0.mode = mode
            $0.generation += 1
        }
    }

    /// A client that connects from now on comes to another port on 127.0.0.1; those who are connected are cut off.
    package func retarget(to port: UInt16) {
        target.withLock { $0 = port }
        cut()
    }

    /// Closes all connections on the server's side only: what is silent stays so for the clients.
    package func hangUp() {
        for pair in state.withLock({ $0.pairs }) { shutdown(pair.server, Int32(SHUT_RDWR)) }
    }

    /// From now on no segment that a connected client sends is taken in or acknowledged, as where a network drops all: below
    /// TCP, which `silent` is not.
    package func dropSegments() {
        // struct sock_filter { u16 code; u8 jt, jf; u32 k }: BPF_RET | BPF_K, of which none is kept.
        var filter: (UInt16, UInt8, UInt8, UInt32) = (0x06, 0, 0, 0)
        for pair in state.withLock({ $0.pairs }) {
            withUnsafeMutablePointer(to: &filter) { filter in
                var program = FilterProgram(count: 1, filter: filter)
                let size = socklen_t(MemoryLayout<FilterProgram>.size)
                precondition(setsockopt(pair.client, SOL_SOCKET, SO_ATTACH_FILTER, &program, size) == 0)
            }
        }
    }

    /// As `struct sock_fprog` of linux/filter.h.
    private struct FilterProgram {
        let count: UInt16
        let filter: UnsafeMutableRawPointer
    }

    /// Closes all connections; new ones pass.
    package func cut() {
        let pairs = state.withLock { state in
            defer { state.pairs = [] }
            return state.pairs
        }
        for pair in pairs {
            shutdown(pair.client, Int32(SHUT_RDWR))
            shutdown(pair.server, Int32(SHUT_RDWR))
        }
    }

    /// Ends it, and all that go through it.
    package func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        cut()
    }

    /// A proxy before the server of a URL, and the URL of the same database behind it.
    package static func before(_ url: String) throws -> (proxy: TestProxy, url: String) {
        guard let (host, port) = place(of: url) else { throw NoPlace(url: url) }
        let proxy = TestProxy(to: port)
        return (proxy, url.replacing("\(host):\(port)", with: "127.0.0.1:\(proxy.port)"))
    }

    private struct NoPlace: Error {
        let url: String
    }

    /// Host and port in a URL.
    private static func place(of url: String) -> (host: String, port: UInt16)? {
        guard let place = url.split(separator: "@").last?.split(separator: "/").first,
            let colon = place.lastIndex(of: ":"),
            let port = UInt16(place[place.index(after: colon)...])
        else { return nil }
        return (String(place[..<colon]), port)
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private func serve(_ client: Int32) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(target.withLock { $0 })
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            Glibc.close(client)
            Glibc.close(server)
            return
        }
        let generation = state.withLock { state in
            state.pairs.append((client, server))
            return state.generation
        }
        startThread(name: "proxy-up") { self.pump(client, server, generation) }
        startThread(name: "proxy-down") { self.pump(server, client, generation) }
    }

    private func pump(_ source: Int32, _ sink: Int32, _ generation: Int) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(source, &buffer, buffer.count)
            if count <= 0 {
                // What is silent does not tell its end either.
                if passes(generation) { shutdown(sink, Int32(SHUT_WR)) }
                return
            }
            while !passes(generation) {
                if state.withLock({ $0.isClosed }) { break }
                usleep(10_000)
            }
            var written = 0
            while written < count {
                let sent = buffer.withUnsafeBytes { bytes in
                    send(sink, bytes.baseAddress.map { $0 + written }, count - written, Int32(MSG_NOSIGNAL))
                }
                if sent <= 0 { break }
                written += sent
            }
        }
    }

    private func passes(_ generation: Int) -> Bool {
        state.withLock { state in
            switch state.mode {
            case .open: true
            case .silent: false
            case .silentForOld: generation == state.generation
            case .openForOld: generation < state.generation
            }
        }
    }
}
