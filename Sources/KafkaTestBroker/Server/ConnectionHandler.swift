import Logging
import NIOCore

/// Cuts a connection's bytes into frames, has them answered one after the other, and writes the answers in order.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Largest request, as Apache Kafka's `socket.request.max.bytes`.
    private static let maxFrameBytes = 104_857_600

    private let broker: Broker
    private let node: Int32
    private var connection: Connection?
    private var received = ByteBuffer()
    private var isBusy = false
    private var isServing = false

    init(broker: Broker, node: Int32) {
        self.broker = broker
        self.node = node
    }

    func channelActive(context: ChannelHandlerContext) {
        let host = context.remoteAddress?.ipAddress ?? "unknown"
        connection = broker.opened(node: node, clientHost: host, channel: context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let connection { broker.closed(connection) }
        received.clear()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if received.readableBytes == 0 {
            received = bytes
        } else {
            reserveFrame(adding: bytes.readableBytes)
            received.writeBuffer(&bytes)
        }
        serve(context)
    }

    /// Grows the buffer once to a large frame's size, not step by step.
    private func reserveFrame(adding count: Int) {
        if let length = received.getInteger(at: received.readerIndex, as: Int32.self), length > 0,
            Int(length) <= Self.maxFrameBytes
        {
            received.reserveCapacity(minimumWritableBytes: max(count, Int(length) + 4 - received.readableBytes))
        }
        received.discardReadBytes()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        broker.logger.debug("connection failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    /// Starts the next whole frame unless one is being answered. Not recursive: a request answered at once returns here.
    private func serve(_ context: ChannelHandlerContext) {
        guard !isServing else { return }
        isServing = true
        defer { isServing = false }
        while !isBusy, let connection, connection.isOpen, context.channel.isActive {
            guard let length = received.getInteger(at: received.readerIndex, as: Int32.self) else { return }
            guard length >= 0, Int(length) <= Self.maxFrameBytes else {
                broker.logger.warning(
                    "closing a connection whose frame has an impossible length", metadata: ["length": "\(length)"])
                return close(context)
            }
            guard received.readableBytes >= Int(length) + 4 else { return }
            received.moveReaderIndex(forwardBy: 4)
            guard let frame = received.readSlice(length: Int(length)) else { return }
            if received.readableBytes == 0 { received = ByteBuffer() }
            isBusy = true
            do {
                try receive(frame, on: connection, context)
            } catch {
                broker.logger.warning("closing a connection: \(error)")
                close(context)
            }
        }
    }

    private func receive(
        _ frame: ByteBuffer, on connection: Connection, _ context: ChannelHandlerContext
    ) throws(WireError) {
        let finish: RequestContext.Finish = { [weak self] reply, rest in self?.finish(reply, rest: rest, context) }
        guard broker.isFrozen else { return try broker.receive(frame, on: connection, finish: finish) }
        broker.held.append { [weak self] in
            guard let self, connection.isOpen else { return }
            do {
                try self.broker.receive(frame, on: connection, finish: finish)
            } catch {
                self.close(context)
            }
        }
    }

    private func finish(_ reply: RequestContext.Reply, rest: Int32, _ context: ChannelHandlerContext) {
        if broker.isFrozen {
            broker.held.append { [weak self] in self?.answer(reply, rest: rest, context) }
        } else {
            answer(reply, rest: rest, context)
        }
    }

    private func answer(_ reply: RequestContext.Reply, rest: Int32, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        switch reply {
        case .nothing:
            isBusy = false
            serve(context)
        case .silence:
            break
        case .close:
            close(context)
        case .half(let pieces):
            var bytes = ByteBuffer()
            for piece in pieces { bytes.writeImmutableBuffer(piece) }
            let half = bytes.readSlice(length: bytes.readableBytes / 2) ?? ByteBuffer()
            context.writeAndFlush(wrapOutboundOut(half)).assumeIsolated().whenComplete { _ in self.close(context) }
        case .frame(let pieces):
            for piece in pieces.dropLast() { context.write(wrapOutboundOut(piece), promise: nil) }
            guard let last = pieces.last else { return }
            // The next request waits until this answer is with the kernel: a client that does not read holds only itself.
            context.writeAndFlush(wrapOutboundOut(last)).assumeIsolated().whenComplete { _ in
                self.next(after: rest, context)
            }
        }
    }

    /// Goes on with the next request, at once or after a throttled client's rest.
    private func next(after rest: Int32, _ context: ChannelHandlerContext) {
        guard rest > 0 else {
            isBusy = false
            return serve(context)
        }
        _ = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(rest))) {
            self.isBusy = false
            self.serve(context)
        }
    }

    private func close(_ context: ChannelHandlerContext) {
        connection?.isOpen = false
        context.close(promise: nil)
    }
}
