internal import DedicatedThread
package import Logging

/// A producer whose records become visible together, transaction after transaction, to readers of committed records.
///
/// Records go through ``producer``; a transaction is open from ``initialize()`` on, and after each ``commit()`` the next
/// one is. What is not a success ends the instance, as it does for every ``Producer``: another one with the same id ends
/// what this one has left open, before it begins.
package final class TransactionalProducer: Sendable {
    package let producer: Producer
    package let id: String

    /// Builds the client. Brokers need not be reachable.
    ///
    /// - Parameter configuration: with ``ClientConfiguration/transactions``.
    /// - Throws: ``KafkaError`` with ``KafkaError/Code/configuration``.
    package init(
        _ configuration: ClientConfiguration, stallLimit: Duration = .seconds(120), logger: Logger,
        observer: Signal? = nil, onStatistics: (@Sendable (String) -> Void)? = nil
    ) throws(KafkaError) {
        guard let transactions = configuration.transactions else {
            throw KafkaError(.configuration, message: "A transactional producer needs a transactional id")
        }
        id = transactions.id
        producer = try Producer(
            configuration, stallLimit: stallLimit, logger: logger, observer: observer, onStatistics: onStatistics)
    }

    /// Takes the id over: a former producer with it can commit nothing more, and what it has left open is aborted. Waits for
    /// brokers without end, and begins the first transaction.
    ///
    /// - Throws: ``KafkaError``: the id may not be used, or the instance has failed, is closed, or the task is cancelled.
    package func initialize() async throws(KafkaError) {
        try await insist { $0.initializeTransactions(within: Self.patience) }
        try await insist { $0.beginTransaction() }
    }

    /// Commits the open transaction once all its records are acknowledged, and begins the next one.
    ///
    /// - Throws: ``KafkaError``. Where ``KafkaError/transactionFate`` is not `abortable`, the transaction may have been
    ///   committed all the same.
    package func commit() async throws(KafkaError) {
        try await insist { $0.commitTransaction(within: Self.patience) }
        try await insist { $0.beginTransaction() }
    }

    /// Gives up the open transaction, so that readers need not wait for its end. It does no harm where that fails.
    package func abort(within limit: Duration = .seconds(1)) async {
        _ = await BlockingCall.run(named: "kafka-transaction") { [producer] in
            producer.core.withClient { $0.abortTransaction(within: limit) }
        }
    }

    /// Ends what a producer that is gone has left open under its id: from then on it can commit nothing more.
    ///
    /// - Parameter configuration: with the id of that producer.
    package static func fence(_ configuration: ClientConfiguration, logger: Logger) async throws(KafkaError) {
        let fence = try TransactionalProducer(configuration, logger: logger)
        let result: Result<Void, KafkaError>
        do throws(KafkaError) {
            result = .success(try await fence.initialize())
        } catch {
            result = .failure(error)
        }
        await fence.producer.close()
        try result.get()
    }

    /// So long one call takes at most, so that the client can be ended soon.
    private static let patience: Duration = .seconds(2)

    /// Calls again while what is in the way passes by itself.
    private func insist(_ call: @escaping @Sendable (LibrdkafkaClient) -> KafkaError?) async throws(KafkaError) {
        while true {
            let answer: KafkaError?? = await BlockingCall.run(named: "kafka-transaction") { [producer] in
                producer.core.withClient(call)
            }
            guard let answer else { throw ProducerLife.closedError }
            guard let error = answer else { return }
            guard error.transactionFate == .retriable, producer.failure == nil else { throw error }
            if Task.isCancelled { throw error }
            do { try await Task.sleep(for: .milliseconds(20)) } catch _ { throw error }
        }
    }
}

/// How an instance goes on after an error of one of its transactions.
package enum TransactionFate: Sendable, Equatable {
    /// The same call may be made again.
    case retriable
    /// The transaction was not committed, and never will be.
    case abortable
    /// The instance is of no more use; whether the transaction was committed is not known.
    case fatal
}

extension KafkaError {
    /// How a transactional producer goes on. What is not known counts as fatal: the next instance finds out.
    package var transactionFate: TransactionFate {
        if isFatal { return .fatal }
        if isAbortable { return .abortable }
        return isRetriable ? .retriable : .fatal
    }

    /// Whether another producer has taken the transactional id over.
    package var isFenced: Bool {
        [.fenced, .producerFenced, .invalidProducerEpoch, .coordinatorFenced].contains(code)
    }
}
