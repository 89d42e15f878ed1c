import NIOCore
import NIOPosix

/// Asks an admin port, for commands. It speaks as much HTTP as the admin port answers with: a length, then the end.
enum AdminClient {
    private static let patience: Duration = .seconds(2)
    private static let mostBytes = 8 << 20

    /// The body of a 200 answer; `nil` where there is none in time.
    static func get(_ path: String, from address: AdminSection.Address) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask { try? await ask(path, reachable(address)) }
            group.addTask {
                try? await Task.sleep(for: patience)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    /// Who listens everywhere is asked here.
    private static func reachable(_ address: AdminSection.Address) -> AdminSection.Address {
        switch address.host {
        case "0.0.0.0": AdminSection.Address(host: "127.0.0.1", port: address.port)
        case "::": AdminSection.Address(host: "::1", port: address.port)
        default: address
        }
    }

    private static func ask(_ path: String, _ address: AdminSection.Address) async throws -> String? {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(1))
            .connect(host: address.host, port: Int(address.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        var answer = ByteBuffer()
        try await channel.executeThenClose { inbound, outbound in
            let request = "GET \(path) HTTP/1.1\r\nhost: \(address)\r\nconnection: close\r\n\r\n"
            try await outbound.write(ByteBuffer(string: request))
            for try await part in inbound {
                answer.writeImmutableBuffer(part)
                if answer.readableBytes > mostBytes { break }
            }
        }
        let text = String(buffer: answer)
        guard text.hasPrefix("HTTP/1.1 200 "), let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        return String(text[end.upperBound...])
    }
}
