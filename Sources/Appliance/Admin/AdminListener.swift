import KafkaBridge
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Takes connections and answers one request on each.
struct AdminListener: Sendable {
    typealias Request = HTTPServerRequestPart
    typealias Response = HTTPPart<HTTPResponseHead, ByteBuffer>
    typealias Connection = NIOAsyncChannel<Request, Response>

    /// How many may be open that have not asked yet; those that have taken longest are closed for others.
    private static let mostSilent = 64
    /// How many are answered at a time; more wait, but for probes.
    private static let mostAnswers = 32
    /// How many of those that search the databases wait for their turn; more are refused, so that they keep nothing else waiting.
    private static let mostSearches = 16
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

    /// Answers until closed. A client that is slow to ask, and requests of others, delay no probe.
    func serve(_ endpoints: AdminEndpoints) async throws {
        let silent = SilentConnections(most: Self.mostSilent)
        let room = AsyncSemaphore(limit: Self.mostAnswers)
        let searches = SearchCount(most: Self.mostSearches)
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    silent.enter(connection.channel)
                    // Whoever breaks off or talks nonsense is no matter for the others.
                    group.addTask {
                        try? await Self.answer(connection, endpoints, room, searches) {
                            silent.leave(connection.channel)
                        }
                        silent.leave(connection.channel)
                    }
                }
                // Nobody who is still asking keeps the process from ending.
                group.cancelAll()
            }
        }
    }

    private static func answer(
        _ connection: Connection, _ endpoints: AdminEndpoints, _ room: AsyncSemaphore, _ searches: SearchCount,
        _ hasAsked: () -> Void
    ) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var head: HTTPRequestHead?
            var body = ByteBuffer()
            for try await part in inbound {
                switch part {
                case .head(let received):
                    head = received
                    // Said before the body is sent, which could be large.
                    if let length = received.headers.first(name: "content-length").flatMap({ Int($0) }),
                        length > Self.mostBodyBytes
                    {
                        hasAsked()
                        return try await write(
                            AdminResponse(.payloadTooLarge, "a body has \(Self.mostBodyBytes) bytes at most\n"),
                            for: received, to: outbound)
                    }
                case .body(let received): body.writeImmutableBuffer(received)
                case .end: break
                }
                // Closing before a body is read could lose the answer, but nobody may send without end.
                guard body.readableBytes <= Self.mostBodyBytes else { return }
                guard case .end = part, let head else { continue }
                hasAsked()
                let remote = connection.channel.remoteAddress?.ipAddress ?? "?"
                let request = AdminRequest(head, body: String(buffer: body), remote: remote)
                let response: AdminResponse
                if let request {
                    if AdminEndpoints.isProbe(request.path) {
                        response = await endpoints.respond(request)
                    } else if request.method != .POST, AdminRoute.find(request.path)?.get?.searches == true {
                        // The databases' connections for searches are few: a request that waits for one takes no room from others.
                        response = await searches.within { await endpoints.respond(request) } ?? Self.tooMany(request)
                    } else {
                        response = try await room.withRoom {
                            // A client that has gone meanwhile believes that nothing was done.
                            guard connection.channel.isActive else { throw CancellationError() }
                            return await endpoints.respond(request)
                        }
                    }
                } else {
                    response = AdminResponse(.badRequest, "the request cannot be read\n")
                }
                return try await write(response, for: head, to: outbound)
            }
        }
    }

    private static func tooMany(_ request: AdminRequest) -> AdminResponse {
        var response = AdminEndpoints.refusal(
            .serviceUnavailable, "too many searches at once: ask again in a moment", request,
            isPage: request.path.first != "api")
        response.retryAfter = .seconds(2)
        return response
    }

    private static func write(
        _ response: AdminResponse, for head: HTTPRequestHead, to outbound: NIOAsyncChannelOutboundWriter<Response>
    ) async throws {
        let content = ByteBuffer(string: response.body)
        var headers = response.headers
        headers.add(name: "content-length", value: "\(content.readableBytes)")
        try await outbound.write(
            .head(HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)))
        if head.method != .HEAD { try await outbound.write(.body(content)) }
        try await outbound.write(.end(nil))
    }
}

/// Bounds how many requests search the databases or wait for their turn to.
private final class SearchCount: Sendable {
    private let most: Int
    private let count = Mutex(0)

    init(most: Int) { self.most = most }

    /// What the body gives; `nil` where there are too many already.
    func within<Value: Sendable>(_ body: () async -> Value) async -> Value? {
        let isFree = count.withLock { count in
            guard count < most else { return false }
            count += 1
            return true
        }
        guard isFree else { return nil }
        let value = await body()
        count.withLock { $0 -= 1 }
        return value
    }
}
