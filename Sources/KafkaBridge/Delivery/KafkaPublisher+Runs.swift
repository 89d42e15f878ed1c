import Consumers
import CoreMetrics
import Kafka
import Logging
import Postgres
import Telemetry

extension KafkaPublisher {
    /// Ends the run there is, if any, and builds one that works, with everything open fed to it.
    func restoreRun() async throws {
        while true {
            if let run { await end(run) }
            try checkGoing()
            let run: ProducerInstance
            do throws(KafkaError) {
                runCount += 1
                metrics.runs.increment()
                let (client, largestBatch) = options.producer(smallestLimit: smallestLimit)
                run = ProducerInstance(
                    number: runCount,
                    producer: try Producer(
                        client, stallLimit: options.stallLimit, logger: logger, onStatistics: options.onStatistics),
                    largestBatch: largestBatch, gate: FirstBatchGate())
            } catch {
                throw DeliveryError.configuration(error)
            }
            self.run = run
            if isClosed { await run.producer.close() }
            if try await prepareTopics(Array(router.topics.indices)), try await feedAll() { return }
        }
    }

    /// Closes a run's producer, takes in what was acknowledged, and waits as long as what went wrong calls for.
    func end(_ run: ProducerInstance) async {
        let cause = run.producer.failure
        await run.producer.close()
        self.run = nil
        var failures: [FailureAssessment.Failure] = []
        var hasProgress = false
        for index in inFlightBatches.indices {
            let outcome = takeOutcomes(at: index)
            failures += outcome.failures
            hasProgress = hasProgress || outcome.newlyAcknowledged > 0
            if inFlightBatches[index].batch != nil, !isClosed {
                // Of those that were rejected or never left, it is known that they are not in the log.
                let absent = outcome.failures.count {
                    $0.error.code == .purgedInQueue || $0.error.classification.kind != .retry
                }
                let sentAgain = inFlightBatches[index].batchEntries.count - outcome.newlyAcknowledged - absent
                metrics.sentAgain.increment(by: max(0, sentAgain))
            }
            inFlightBatches[index].batch = nil
            inFlightBatches[index].alone = nil
        }
        changed.advance()
        if hasProgress { backoff.reset() }
        let verdict = FailureAssessment.judge(failures)
        if !isClosed { metrics.failed(verdict) }
        switch verdict {
        case .again:
            if let cause, !isClosed { logger.debug("the run ended: \(cause)") }
        case .mend(let error, let entry): say(.refused("\(topicName(of: entry)): \(error)"))
        case .isolate(let entries):
            for entry in entries {
                if let index = index(of: entry.inFlight) {
                    inFlightBatches[index].entries[entry.index].isSuspect = true
                }
            }
            return
        case .poison(let error, let entry):
            let isSize = error.code == .messageTooLarge || error.code == .recordListTooLarge
            convict(
                entry,
                Rejection(
                    reason: isSize ? .tooLarge : .rejected, error: "\(topicName(of: entry)): \(error)",
                    topic: topic(of: entry)?.description))
            return
        }
        await pause()
    }

    /// Takes in what the current run's reports say of a inFlight.
    func takeOutcomes(at index: Int) -> (failures: [FailureAssessment.Failure], newlyAcknowledged: Int) {
        let before = inFlightBatches[index].entries.count { $0.state == .acknowledged }
        let failures = inFlightBatches[index].takeOutcomes()
        let count = inFlightBatches[index].entries.count { $0.state == .acknowledged } - before
        if count > 0 { metrics.published.increment(by: count) }
        if failures.isEmpty, count > 0, let since = inFlightBatches[index].handedToClient {
            metrics.acknowledgeTime.record(since: since)
        }
        return (failures, count)
    }
}
