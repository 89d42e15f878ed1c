/// How a consumer delivers exactly once.
package struct ExactlyOnceOptions: Sendable {
    /// The topic in which transactions record how far they come: a partition for each segment, compacted.
    package var progressTopic: TopicName
    /// Of this consumer in this process alone.
    package var transactionalID: String
    /// After so long brokers abort a transaction that nobody has ended.
    package var transactionTimeout: Duration
    package var totalSegments: Int
    package var store: TransactionStore

    package init(
        progressTopic: TopicName, transactionalID: String, transactionTimeout: Duration = .seconds(30),
        totalSegments: Int, store: TransactionStore
    ) {
        self.progressTopic = progressTopic
        self.transactionalID = transactionalID
        self.transactionTimeout = transactionTimeout
        self.totalSegments = totalSegments
        self.store = store
    }
}
