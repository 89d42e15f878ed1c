internal import DedicatedThread

/// Finds out whether a server listens at a broker's address.
package enum ListenerProbe {
    /// Why no server can be reached at `host:port`; nil where one can.
    package static func failure(of address: String, within limit: Duration = .seconds(3)) async -> String? {
        guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...]) else {
            return "this is no address"
        }
        let host = address[..<colon].filter { $0 != "[" && $0 != "]" }
        return await BlockingCall.run(named: "kafka-probe") {
            do throws(TokenFailure) {
                _ = try ClientSocket(host, port, until: .now + limit) { false }
                return nil
            } catch {
                return error.description
            }
        }
    }
}
