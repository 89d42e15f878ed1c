internal import CLibRDKafka
internal import DedicatedThread
internal import Logging
internal import Synchronization

extension Producer {
    /// How closing ended.
    package enum CloseOutcome: Sendable, Equatable {
        case closed
        /// librdkafka did not let go in time: its threads, and the bytes it may still read, are left behind.
        case abandoned
    }

    /// Waits until everything handed over is reported; false when the time is up first. Lingering ends at once.
    package func flush(within limit: Duration) async -> Bool {
        let milliseconds = limit.wholeMilliseconds
        return await BlockingCall.run(named: "kafka-flush") { [self] in
            unsafe withClient { client, _ in unsafe rd_kafka_flush(client, milliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR }
                ?? true
        }
    }

    /// Gives up everything that is not acknowledged: it is reported as failed, although it may have been written.
    package func purge() {
        _ = unsafe withClient { client, _ in
            unsafe rd_kafka_purge(
                client, Int32(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING))
        }
    }

    /// Gives up what is not acknowledged, and ends the client and its threads. Flush before to give up nothing.
    ///
    /// Bounded: when librdkafka hangs, that is logged and it is left behind. May be called more than once.
    @discardableResult
    package func close(within limit: Duration = .seconds(5)) async -> CloseOutcome {
        let (isFirst, users) = state.withLock { state -> (Bool, Int) in
            defer { state.isClosing = true }
            return (!state.isClosing, state.users)
        }
        guard isFirst else { return .closed }
        if users == 0 { usersGone.open() }
        reports.advance()

        let ended: Void? = await BlockingCall.run(named: "kafka-close", atMost: limit) { [self] in end() }
        if ended == nil {
            for batch in state.withLock({ $0.slots.open }) { batch.abandon(Self.closedError) }
            logger.error("The Kafka client did not end within \(limit) and is left behind")
            return .abandoned
        }
        return .closed
    }

    /// Ends the client in the order it needs: users, reports, pump, topics, queue, client. Blocks.
    private func end() {
        usersGone.wait()
        unsafe rd_kafka_purge(handle.pointer, Int32(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT))
        // The pump is still running and takes the reports of what was purged.
        unsafe rd_kafka_flush(handle.pointer, 1_000)
        lingerBreaker?.end()
        endPump()
        state.withLock { $0.topics.destroyAll() }
        queue.destroy()
        handle.destroy()
        // Nobody reads the sources' bytes any more.
        for batch in state.withLock({ $0.slots.open }) {
            batch.abandon(Self.closedError)
            retire(batch)
        }
    }
}
