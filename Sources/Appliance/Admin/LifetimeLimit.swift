import NIOCore

/// Closes a connection after a time, whatever happens on it: who sends a byte now and then must not keep it for ever.
final class LifetimeLimit: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let time: TimeAmount
    private var end: Scheduled<Void>?

    init(_ time: TimeAmount) {
        self.time = time
    }

    func channelActive(context: ChannelHandlerContext) {
        end = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end?.cancel()
        context.fireChannelInactive()
    }
}
