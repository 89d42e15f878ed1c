import Logging
import NIOCore

extension Broker {
    // MARK: Connections

    func opened(node: Int32, clientHost: String, channel: any Channel) -> Connection {
        connectionCount += 1
        let connection = Connection(
            number: connectionCount, node: node, clientHost: clientHost,
            authentication: SASLMechanism.offered(configuration).isEmpty ? .open : .expectsHandshake)
        channels[connection.number] = (node, channel)
        return connection
    }

    func closed(_ connection: Connection) {
        connection.isOpen = false
        connection.pendingFetch?.cancel()
        connection.pendingFetch = nil
        channels[connection.number] = nil
    }

    // MARK: Requests

    /// Reads one frame and starts answering it. Throws when the bytes are no request, which ends the connection.
    func receive(
        _ frame: ByteBuffer, on connection: Connection, finish: @escaping RequestContext.Finish
    ) throws(WireError) {
        switch try RequestHeader.read(frame) {
        case .unknown(let number):
            logger.debug("unknown request kind", metadata: ["number": "\(number)"])
            finish(.close, 0)
        case .unsupportedVersion(let header):
            guard header.api.kind == .apiVersions else { return finish(.close, 0) }
            // So that a newer client learns what it may ask: the oldest answer, with the error in it.
            let oldest = RequestHeader(
                api: header.api, format: header.api.format(0), correlationID: header.correlationID)
            let context = RequestContext(header: oldest, connection: connection, finish: finish)
            context.reply(ApiVersions.Response(error: .unsupportedVersion))
        case .request(let header, var body):
            let context = RequestContext(header: header, connection: connection, finish: finish)
            guard mayAsk(header.api.kind, connection) else { return context.complete(.close) }
            try header.api.handler.serve(self, &body, context)
        }
    }

    /// Has a request answered, unless and as faults want it.
    func serve<Body: RequestBody>(
        _ request: Body, _ context: RequestContext, _ answer: @escaping (Body, RequestContext) -> Void
    ) {
        guard !faults.isEmpty else { return answer(request, context) }
        let plan = faults.plan(
            for: .init(
                kind: context.header.api.kind, node: context.connection.node,
                transactionalIDs: request.transactionalIDs, targets: request.targets(self, context)))
        if plan.disconnects { return context.complete(.close) }
        context.injectedErrors = plan.injectedErrors
        context.throttleMilliseconds = Int32(clamping: plan.throttle.milliseconds)
        context.ending = plan.ending
        context.markerTiming = plan.markers
        if let lateness = plan.lateness {
            _ = loop.assumeIsolated().scheduleTask(in: TimeAmount(lateness)) { [weak self] in
                if self?.isShutDown == false { answer(request, context) }
            }
            return context.complete(.close)
        }
        guard plan.delay > .zero else { return answer(request, context) }
        _ = loop.assumeIsolated().scheduleTask(in: TimeAmount(plan.delay)) {
            if context.connection.isOpen { answer(request, context) }
        }
    }
}
