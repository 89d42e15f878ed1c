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
    /// What an operator can do where it is not known what was delivered.
    package var remedy: String

    package init(
        progressTopic: TopicName, transactionalID: String, transactionTimeout: Duration = .seconds(30),
        totalSegments: Int, store: TransactionStore, remedy: String = Self.consumerRemedy
    ) {
        self.remedy = remedy
        self.progressTopic = progressTopic
        self.transactionalID = transactionalID
        self.transactionTimeout = transactionTimeout
        self.totalSegments = totalSegments
        self.store = store
    }

    package static let consumerRemedy =
        "`godwit accept-source` goes on from the checkpoints, or from a position, and may deliver events again"
    package static let jobRemedy =
        "cancel the job (`godwit republish --cancel`), and make another one for the events that are to come; it may deliver some again"
}
