internal import DedicatedThread
internal import Logging
internal import Synchronization
internal import Telemetry

extension ProducerCore {
    /// The pump's loop: blocks on the client's events until the producer closes.
    func serve() {
        var buffer: [Report] = []
        let lookInterval = state.withLock { $0.stallWatch.lookInterval }
        var nextLook = ContinuousClock.now + lookInterval
        while !isPumpEnding.load(ordering: .acquiring) {
            // Time decides when to look: events of other kinds say nothing about records.
            let now = ContinuousClock.now
            if now >= nextLook {
                checkForStall()
                checkSecrets()
                reportSteadyConnection()
                nextLook = now + lookInterval
            }
            switch client.poll(atMost: nextLook - now, into: &buffer) {
            case .reports(let bytes):
                distribute(buffer, bytes: bytes)
                buffer.removeAll(keepingCapacity: true)
            case .error(let error):
                note(error)
                checkForStall()
            case .statistics(let text): onStatistics?(text)
            case .other, nil: break
            }
        }
    }

    /// Wakes the pump for the last time and waits for it. Blocks.
    func endPump() {
        isPumpEnding.store(true, ordering: .releasing)
        client.wake()
        joinPump()
    }

    /// Hands a whole event's reports to their batches, one lock and one wake-up per batch and stretch.
    private func distribute(_ reports: [Report], bytes: Int) {
        let failed = reports.first { $0.code != 0 }.map { KafkaError.Code(rawValue: $0.code) }
        let (fatal, isFailing) = state.withLock { state in
            state.bytesInFlight -= bytes
            state.stallWatch.reported(reports.count, now: .now)
            let fatal = state.life.fatalError
            guard let failed else { return (fatal, false) }
            // Before any batch is informed, so that nothing is taken behind the gap.
            let error = failed == .fatal ? fatal ?? KafkaError(failed) : KafkaError(failed)
            return (fatal, state.life.fail(error))
        }
        var hasSuccess = false
        var start = 0
        while start < reports.count {
            let slot = reports[start].slot
            var end = start
            while end < reports.count, reports[end].slot == slot {
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
        if isFailing { abandonBatches() }
        if hasSuccess { log(state.withLock { $0.connection.observeAnswer() }) }
        advanceReports()
    }

    private func checkForStall() {
        let isStalled = state.withLock { state -> Bool in
            let isDown = if case .down = state.connection.status { true } else { false }
            return state.stallWatch.isStalled(isDown: isDown, now: .now) && state.life.failure == nil
        }
        guard isStalled else { return }
        end(KafkaError(.timedOut, message: "No broker has reported on any record for too long", isFatal: true))
    }

    private func note(_ error: KafkaError) {
        if error.code == .fatal || error.isFatal {
            end(client.fatalError ?? error)
            return
        }
        let transition = state.withLock { $0.connection.observe(error) }
        log(transition)
        if transition == .none { logger.debug("Kafka client: \(error)") }
    }

    /// The client has ended itself, or is as good as that.
    func end(_ error: KafkaError) {
        let (isEnd, isNews) = state.withLock { state in
            let wasRunning = state.life.phase == .running
            let isNews = state.life.endsItself(error)
            return (wasRunning && state.life.phase != .running, isNews)
        }
        logger.log(level: isNews ? .warning : .debug, "The Kafka producer has ended: \(error)")
        if isEnd { abandonBatches() }
    }

    /// Reports the transition, unless it is one of many: a broker may end each connection as soon as it is made.
    func log(_ transition: BrokerConnection.Transition) {
        switch transition {
        case .none: break
        case .wentDown(let error):
            let kind = "\(error.classification.kind)"
            switch state.withLock({ $0.outages.failed(kind, now: .now) }) {
            case .away?: logger.warning("Kafka cannot be reached: \(error)")
            case .stillAway(let times, let time)?:
                logger.warning("Kafka could not be reached \(times) times in \(time.components.seconds) s: \(error)")
            case .back?, .recovered?, nil: logger.debug("Kafka cannot be reached: \(error)")
            }
        case .cameUp: logSuccess()
        }
    }

    private func logSuccess() {
        switch state.withLock({ $0.outages.succeeded(now: .now) }) {
        case .back?: logger.notice("Kafka is reached again")
        case .recovered(let times, let time)?:
            logger.notice(
                "Kafka could not be reached \(times) times in \(time.components.seconds) s, and is reached again")
        case .away?, .stillAway?, nil: break
        }
    }

    private func reportSteadyConnection() {
        if state.withLock({ $0.connection.status }) == .up { logSuccess() }
    }
}
