internal import DedicatedThread
internal import Logging
internal import Synchronization

extension ProducerCore {
    func flush(within limit: Duration) async -> Bool {
        await BlockingCall.run(named: "kafka-flush") { [self] in withClient { $0.flush(within: limit) } ?? true }
    }

    func close(within limit: Duration) async -> Producer.CloseOutcome {
        switch state.withLock({ $0.life.close() }) {
        case .isUnderWay: return .closed
        case .endsNow: callsEnded.open()
        case .awaitsCalls: break
        }
        advanceReports()
        let ended: Void? = await BlockingCall.run(named: "kafka-close", atMost: limit) { [self] in end() }
        if ended == nil {
            for batch in state.withLock({ $0.slots.open }) { batch.abandon(ProducerLife.closedError) }
            logger.error("The Kafka client did not end within \(limit) and is left behind")
            return .abandoned
        }
        return .closed
    }

    /// Ends the client in the order it needs: calls, reports, pump, client. Blocks.
    private func end() {
        callsEnded.wait()
        client.purge(waits: true)
        // The pump is still running and takes the reports of what was purged.
        _ = client.flush(within: .seconds(1))
        lingerBreaker?.end()
        endPump()
        client.end()
        // Nobody reads the sources' bytes any more.
        let batches = state.withLock { state in
            state.life.ended()
            return state.slots.open
        }
        for batch in batches {
            batch.abandon(ProducerLife.closedError)
            retire(batch)
        }
    }
}
