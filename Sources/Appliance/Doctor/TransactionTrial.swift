import Kafka
import Logging

/// Tries whether transactional ids may be used, by taking ids that no consumer uses. Nothing is delivered; brokers forget an id
/// that is not used again after `transactional.id.expiration.ms`.
struct TransactionTrial: Sendable {
    let client: ClientConfiguration
    let plan: TransactionPlan
    var limit: Duration = .seconds(6)

    func run() async -> TransactionFacts.Trial {
        let general = await outcome("\(plan.idPrefix)-doctor")
        guard case .forbidden = general else { return general }
        // The right may be given for the ids of single consumers.
        var forbidden: [String] = []
        for consumer in plan.consumers {
            switch await outcome("\(plan.idPrefix)-\(consumer)-doctor") {
            case .forbidden: forbidden.append(consumer)
            case .possible: break
            case let other: return other
            }
        }
        return forbidden.isEmpty ? .possible : .forbidden(forbidden)
    }

    private func outcome(_ id: String) async -> TransactionFacts.Trial {
        var client = client
        client.transactions = TransactionSettings(id: id, timeout: plan.timeout)
        return await withTaskGroup(of: TransactionFacts.Trial?.self) { [client, limit] group in
            group.addTask { await Self.take(client) }
            group.addTask {
                // Brokers that do not answer would be waited for without end.
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            // Where the time was up first, the cancelled attempt gives what was in its way.
            let second = await group.next() ?? nil
            return first ?? second ?? .unanswered("nothing within \(limit)")
        }
    }

    private static func take(_ client: ClientConfiguration) async -> TransactionFacts.Trial {
        do throws(KafkaError) {
            try await TransactionalProducer.fence(client, logger: Logger(label: "godwit.doctor"))
            return .possible
        } catch {
            switch error.code {
            case .transactionalIDAuthorizationFailed: return .forbidden([])
            case .invalidTransactionTimeout: return .timeoutTooLong
            case .unsupportedFeature, .unsupportedVersion: return .unsupported(error.message)
            default: return error.transactionFate == .retriable ? .unanswered(error.message) : .refused(error.message)
            }
        }
    }
}
