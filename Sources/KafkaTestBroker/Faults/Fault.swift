/// Something that goes wrong on purpose, with the requests it is aimed at.
///
/// ```swift
/// // The second batch that comes for the topic is written, but its answer is lost with the connection.
/// await broker.inject(Fault(.dropAnswer, on: .produce, topic: "orders", skip: 1, count: 1))
/// // The first commit of a producer takes effect, but its client hears of a coordinator that has moved.
/// await broker.inject(Fault(.applyThenRefuse(.notCoordinator), on: .endTxn, transactionalID: "relay-1", count: 1))
/// ```
public struct Fault: Sendable, Hashable {
    /// What happens to a request.
    public enum Action: Sendable, Hashable {
        /// Nothing is done; the answer carries the error.
        case refuse(KafkaErrorCode)
        /// The request takes effect; the answer carries the error all the same. For Produce and the requests of transactions:
        /// InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit and EndTxn.
        case applyThenRefuse(KafkaErrorCode)
        /// The request takes effect; then the connection ends without an answer.
        case dropAnswer
        /// The request takes effect; then the connection stays open and silent.
        case hang
        /// The connection ends before the request takes effect.
        case disconnect
        /// The request takes effect; then the connection ends in the middle of the answer.
        case disconnectMidFrame
        /// The connection ends at once; the request takes effect so long after, as one that the network held back while its
        /// client went on, or is gone.
        case takeEffectLater(Duration)
        /// The request is handled later, if its connection is still open then.
        case delay(Duration)
        /// The markers of the transaction that the request ends are written so long after its answer, instead of after the
        /// configured delay. For EndTxn, and for InitProducerId, which aborts an open transaction; with a topic or partition
        /// only the markers there.
        case delayMarkers(Duration)
        /// The markers of the transaction that the request ends are written when the fault is removed.
        case holdMarkers
        /// The request is handled; the client is told to slow down, and not read from for so long.
        case throttle(Duration)
    }

    /// What happens.
    public var action: Action
    /// The kind of request it happens to; nil for all.
    public var request: RequestKind?
    /// The transactional id the request must name; nil for any.
    public var transactionalID: String?
    /// The topic the request must name; nil for any. A request that ends a transaction names what the transaction has
    /// written to.
    public var topic: String?
    /// The partition the request must name; nil for any.
    public var partition: Int32?
    /// The node the request must come to; nil for any.
    public var node: Int32?
    /// Matching requests to let pass first.
    public var skip: Int
    /// Matching requests it happens to after those; nil for all until the fault is removed.
    public var count: Int?

    /// A fault for the requests that match all that is given.
    public init(
        _ action: Action, on request: RequestKind? = nil, transactionalID: String? = nil, topic: String? = nil,
        partition: Int32? = nil, node: Int32? = nil, skip: Int = 0, count: Int? = nil
    ) {
        self.action = action
        self.request = request
        self.transactionalID = transactionalID
        self.topic = topic
        self.partition = partition
        self.node = node
        self.skip = skip
        self.count = count
    }
}
