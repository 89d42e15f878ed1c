import NIOCore
import NIOHTTP1

/// Gives the encoder what it takes, from what may cross between tasks.
final class ResponsePartHandler: ChannelOutboundHandler {
    typealias OutboundIn = AdminListener.Response
    typealias OutboundOut = HTTPServerResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part: OutboundOut =
            switch unwrapOutboundIn(data) {
            case .head(let head): .head(head)
            case .body(let body): .body(.byteBuffer(body))
            case .end(let trailers): .end(trailers)
            }
        context.write(wrapOutboundOut(part), promise: promise)
    }
}
