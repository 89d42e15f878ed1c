internal import CLibRDKafka
internal import DedicatedThread
internal import Logging
internal import Synchronization

extension Producer {
    /// The pump's loop: blocks on the event queue until the producer closes.
    func serve() {
        var buffer: [Report] = []
        let lookInterval = min(.seconds(5), state.withLock { $0.stallWatch.limit } / 4)
        while !isPumpEnding.withLock({ $0 }) {
            // Events end the wait at once; the bound is for looking whether they still come.
            guard let event = queue.poll(atMost: lookInterval) else {
                checkForStall()
                continue
            }
            let type = event.type
            if type == RD_KAFKA_EVENT_DR {
                let bytes = Self.read(event, into: &buffer)
                // Frees the messages first: only then is there room in librdkafka's queue again.
                _ = consume event
                distribute(buffer, bytes: bytes)
                buffer.removeAll(keepingCapacity: true)
            } else if type == RD_KAFKA_EVENT_ERROR {
                note(event.error)
                checkForStall()
            } else if type == RD_KAFKA_EVENT_STATS, let statistics = event.statistics {
                onStatistics?(statistics)
            }
        }
    }

    /// Wakes the pump for the last time and waits for it. Blocks.
    func endPump() {
        isPumpEnding.withLock { $0 = true }
        queue.wake()
        joinPump()
    }

    private static func read(_ event: borrowing EventQueue.Event, into buffer: inout [Report]) -> Int {
        var bytes = 0
        buffer.reserveCapacity(unsafe rd_kafka_event_message_count(event.pointer))
        while let message = unsafe rd_kafka_event_message_next(event.pointer) {
            let message = unsafe message.pointee
            bytes += unsafe message.len + message.key_len
            // Slot and index are taken apart when the reports are distributed.
            let opaque = unsafe UInt(bitPattern: message._private)
            buffer.append(
                unsafe Report(
                    index: Int(bitPattern: opaque), offset: message.offset, partition: message.partition,
                    code: message.err.rawValue))
        }
        return bytes
    }

    /// Hands a whole event's reports to their batches, one lock and one wake-up per batch and stretch.
    private func distribute(_ reports: [Report], bytes: Int) {
        var reports = reports
        let fatal = fatalError
        var hasSuccess = false
        state.withLock { state in
            state.bytesInFlight -= bytes
            state.stallWatch.observeReport(now: .now)
        }
        var start = 0
        while start < reports.count {
            let slot = BatchSlots.parts(of: UInt(bitPattern: reports[start].index)).slot
            var end = start
            while end < reports.count {
                let parts = BatchSlots.parts(of: UInt(bitPattern: reports[end].index))
                guard parts.slot == slot else { break }
                reports[end].index = parts.index
                hasSuccess = hasSuccess || reports[end].code == 0
                end += 1
            }
            if let batch = state.withLock({ $0.slots.batch(of: slot) }),
                batch.take(reports[start..<end], fatal: fatal)
            {
                retire(batch)
            }
            start = end
        }
        if let failed = reports.first(where: { $0.code != 0 }) {
            let code = KafkaError.Code(rawValue: failed.code)
            fail(code == .fatal ? fatal ?? KafkaError(code) : KafkaError(code))
        }
        if hasSuccess { log(state.withLock { $0.connection.observeAnswer() }) }
        self.reports.advance()
    }

    private func checkForStall() {
        let outstanding = unsafe Int(rd_kafka_outq_len(handle.pointer))
        let isStalled = state.withLock { state -> Bool in
            let isDown = if case .down = state.connection.status { true } else { false }
            return state.stallWatch.isStalled(outstanding: outstanding, isDown: isDown, now: .now)
                && state.failure == nil
        }
        guard isStalled else { return }
        logger.warning("The Kafka producer has ended: \(Self.stalledError)")
        state.withLock { $0.fatalError = Self.stalledError }
        fail(Self.stalledError)
    }

    private static let stalledError = KafkaError(
        .timedOut, message: "No broker has reported on any record for too long", isFatal: true)

    private func note(_ error: KafkaError) {
        if error.code == .fatal || error.isFatal {
            let cause = fatalCause() ?? error
            let isNew = state.withLock { state -> Bool in
                defer { state.fatalError = state.fatalError ?? cause }
                return state.fatalError == nil
            }
            if isNew { logger.warning("The Kafka producer has ended: \(cause)") }
            fail(cause)
            return
        }
        let transition = state.withLock { $0.connection.observe(error) }
        log(transition)
        if transition == .none { logger.debug("Kafka client: \(error)") }
    }

    private func fatalCause() -> KafkaError? {
        var text = [CChar](repeating: 0, count: 512)
        let code = unsafe KafkaError.Code(rd_kafka_fatal_error(handle.pointer, &text, text.count))
        guard code != .none else { return nil }
        return KafkaError(code, message: String(nulTerminated: text), isRetriable: false, isFatal: true)
    }

    func log(_ transition: BrokerConnection.Transition) {
        switch transition {
        case .none: break
        case .wentDown(let error): logger.warning("Kafka cannot be reached: \(error)")
        case .cameUp: logger.notice("Kafka is reached again")
        }
    }
}
