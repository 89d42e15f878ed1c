import NIOCore
import NIOHTTP1
import NIOPosix

/// Takes connections and answers one request on each.
struct AdminListener: Sendable {
    typealias Request = HTTPServerRequestPart
    typealias Response = HTTPPart<HTTPResponseHead, ByteBuffer>
    typealias Connection = NIOAsyncChannel<Request, Response>

    /// How many are answered at a time; more wait.
    private static let mostConnections = 32
    private static let lifetime: TimeAmount = .seconds(10)

    private static let mostBodyBytes = 1 << 16

    private let server: NIOAsyncChannel<Connection, Never>

    /// Where it listens, with the port that the system chose where none was given.
    var address: String { server.channel.localAddress.map { "\($0.ipAddress ?? "?"):\($0.port ?? 0)" } ?? "?" }

    static func bind(
        _ address: AdminSection.Address, on group: MultiThreadedEventLoopGroup
    ) async throws -> AdminListener {
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: address.host, port: Int(address.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(LifetimeLimit(lifetime))
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(ResponsePartHandler())
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        return AdminListener(server: server)
    }

    /// Takes no more connections, and closes those there are.
    func close() {
        server.channel.close(promise: nil)
    }

    /// Answers until closed.
    func serve(_ endpoints: AdminEndpoints) async throws {
        try await server.executeThenClose { connections in
            try await withThrowingTaskGroup(of: Void.self) { group in
                var count = 0
                for try await connection in connections {
                    if count >= Self.mostConnections { try await group.next() }
                    count += 1
                    // Whoever breaks off or talks nonsense is no matter for the others.
                    group.addTask { try? await Self.answer(connection, endpoints) }
                }
                // Nobody who is still asking keeps the process from ending.
                group.cancelAll()
            }
        }
    }

    private static func answer(_ connection: Connection, _ endpoints: AdminEndpoints) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var request: HTTPRequestHead?
            var bodySize = 0
            for try await part in inbound {
                switch part {
                case .head(let head): request = head
                case .body(let body): bodySize += body.readableBytes
                case .end: break
                }
                // A body is of no use here, but closing before it is read could lose the answer.
                guard bodySize <= Self.mostBodyBytes else { return }
                guard case .end = part, let request else { continue }
                let response = await endpoints.respond(request.method, request.uri)
                let body = ByteBuffer(string: response.body)
                try await outbound.write(.head(head(response, length: body.readableBytes)))
                if request.method != .HEAD { try await outbound.write(.body(body)) }
                return try await outbound.write(.end(nil))
            }
        }
    }

    private static func head(_ response: AdminResponse, length: Int) -> HTTPResponseHead {
        var headers: HTTPHeaders = [
            "content-type": response.content.rawValue, "content-length": "\(length)", "connection": "close",
            "cache-control": "no-store", "x-content-type-options": "nosniff",
        ]
        if response.status == .methodNotAllowed { headers.add(name: "allow", value: "GET, HEAD") }
        return HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)
    }
}
