import COpenSSL
import NIOCore

/// The server's end of one TLS connection, between the socket and the Kafka frames.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let chunk = 64 << 10
    private let context: TLSContext
    private let session: OpaquePointer
    /// What came from the socket and goes to it; both belong to the session.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer

    init(_ context: TLSContext) throws {
        self.context = context
        guard let session = SSL_new(context.context) else { throw Failure(description: TLSContext.lastError()) }
        guard let incoming = BIO_new(BIO_s_mem()) else {
            SSL_free(session)
            throw Failure(description: TLSContext.lastError())
        }
        guard let outgoing = BIO_new(BIO_s_mem()) else {
            BIO_free(incoming)
            SSL_free(session)
            throw Failure(description: TLSContext.lastError())
        }
        self.session = session
        self.incoming = incoming
        self.outgoing = outgoing
        SSL_set_bio(session, incoming, outgoing)
        SSL_set_accept_state(session)
    }

    deinit { SSL_free(session) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        bytes.withUnsafeReadableBytes { _ = BIO_write(incoming, $0.baseAddress, Int32($0.count)) }
        ERR_clear_error()
        if SSL_is_init_finished(session) == 0 {
            let status = SSL_do_handshake(session)
            flush(context, promise: nil)
            if status != 1 {
                if SSL_get_error(session, status) != SSL_ERROR_WANT_READ {
                    context.fireErrorCaught(Failure(description: "TLS handshake: \(TLSContext.lastError())"))
                    context.close(promise: nil)
                }
                return
            }
        }
        read(context)
    }

    private func read(_ context: ChannelHandlerContext) {
        var plain = context.channel.allocator.buffer(capacity: Self.chunk)
        while true {
            var status: Int32 = 0
            plain.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.chunk) { target in
                status = SSL_read(session, target.baseAddress, Int32(target.count))
                return max(0, Int(status))
            }
            if status > 0 { continue }
            let reason = SSL_get_error(session, status)
            flush(context, promise: nil)
            if plain.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(plain)) }
            if reason == SSL_ERROR_ZERO_RETURN {
                context.close(promise: nil)
            } else if reason != SSL_ERROR_WANT_READ {
                context.fireErrorCaught(Failure(description: "TLS: \(TLSContext.lastError())"))
            }
            return
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        ERR_clear_error()
        var isWritten = true
        bytes.withUnsafeReadableBytes { source in
            // An empty write is an error to OpenSSL.
            guard source.count > 0 else { return }
            isWritten = SSL_write(session, source.baseAddress, Int32(source.count)) == Int32(source.count)
        }
        guard isWritten else {
            promise?.fail(Failure(description: "TLS: \(TLSContext.lastError())"))
            return
        }
        flush(context, promise: promise)
    }

    /// Sends what the session has for the socket.
    private func flush(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        let pending = BIO_ctrl(outgoing, BIO_CTRL_PENDING, 0, nil)
        guard pending > 0 else {
            promise?.succeed(())
            return
        }
        var bytes = context.channel.allocator.buffer(capacity: pending)
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: pending) { target in
            max(0, Int(BIO_read(outgoing, target.baseAddress, Int32(pending))))
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
    }
}
