import Logging
import NIOCore

extension Broker {
    /// Reads one frame and starts answering it. Throws when the bytes are no request, which ends the connection.
    func receive(
        _ frame: ByteBuffer, on connection: Connection, finish: @escaping RequestContext.Finish
    ) throws(WireError) {
        var reader = WireReader(frame)
        switch try RequestHeader.read(from: &reader) {
        case .unknown(let key):
            logger.debug("unknown request kind", metadata: ["key": "\(key)"])
            finish(.close, 0)
        case .unsupportedVersion(let header):
            guard header.api == .apiVersions else { return finish(.close, 0) }
            // So that a newer client learns what it may ask: the oldest answer, with the error in it.
            let oldest = RequestHeader(
                api: .apiVersions, version: 0, correlationID: header.correlationID, clientID: nil)
            let context = RequestContext(header: oldest, connection: connection, finish: finish)
            context.reply(apiVersions(error: .unsupportedVersion))
        case .request(let header):
            let context = RequestContext(header: header, connection: connection, finish: finish)
            guard mayAsk(header.api, connection) else { return context.complete(.close) }
            try dispatch(&reader, context)
        }
    }

    private func dispatch(_ reader: inout WireReader, _ context: RequestContext) throws(WireError) {
        switch context.header.api {
        case .apiVersions: try serve(&reader, context, apiVersions)
        case .metadata: try serve(&reader, context, metadata)
        case .produce: try serve(&reader, context, produce)
        case .fetch: try serve(&reader, context, fetch)
        case .listOffsets: try serve(&reader, context, listOffsets)
        case .createTopics: try serve(&reader, context, createTopics)
        case .initProducerID: try serve(&reader, context, initProducerID)
        case .findCoordinator: try serve(&reader, context, findCoordinator)
        case .addPartitionsToTxn: try serve(&reader, context, addPartitionsToTxn)
        case .addOffsetsToTxn: try serve(&reader, context, addOffsetsToTxn)
        case .endTxn: try serve(&reader, context, endTxn)
        case .txnOffsetCommit: try serve(&reader, context, txnOffsetCommit)
        case .joinGroup: try serve(&reader, context, joinGroup)
        case .syncGroup: try serve(&reader, context, syncGroup)
        case .heartbeat: try serve(&reader, context, heartbeat)
        case .leaveGroup: try serve(&reader, context, leaveGroup)
        case .offsetCommit: try serve(&reader, context, offsetCommit)
        case .offsetFetch: try serve(&reader, context, offsetFetch)
        case .describeGroups: try serve(&reader, context, describeGroups)
        case .listGroups: try serve(&reader, context, listGroups)
        case .deleteGroups: try serve(&reader, context, deleteGroups)
        case .offsetDelete: try serve(&reader, context, offsetDelete)
        case .deleteTopics: try serve(&reader, context, deleteTopics)
        case .createPartitions: try serve(&reader, context, createPartitions)
        case .deleteRecords: try serve(&reader, context, deleteRecords)
        case .describeConfigs: try serve(&reader, context, describeConfigs)
        case .alterConfigs: try serve(&reader, context, alterConfigs)
        case .incrementalAlterConfigs: try serve(&reader, context, incrementalAlterConfigs)
        case .describeCluster: try serve(&reader, context, describeCluster)
        case .offsetForLeaderEpoch: try serve(&reader, context, offsetForLeaderEpoch)
        case .describeProducers: try serve(&reader, context, describeProducers)
        case .describeTransactions: try serve(&reader, context, describeTransactions)
        case .listTransactions: try serve(&reader, context, listTransactions)
        case .saslHandshake: try serve(&reader, context, saslHandshake)
        case .saslAuthenticate: try serve(&reader, context, saslAuthenticate)
        }
    }

    private func serve<Request: RequestMessage>(
        _ reader: inout WireReader, _ context: RequestContext, _ answer: @escaping (Request, RequestContext) -> Void
    ) throws(WireError) {
        let request = try Request(from: &reader, version: context.version)
        guard !faults.isEmpty else { return answer(request, context) }
        let plan = plan(for: request, context)
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
